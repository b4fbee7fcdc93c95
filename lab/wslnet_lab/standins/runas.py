#!/usr/bin/env -S python3 -IS
"""`runas.exe` on the lab's Windows: stands in for the prompt of UAC, which whoever sits there lets pass.

What it is given runs on with the owner's full rights. Each prompt is a line in LAB/log/prompts.log; with the
fault `uac-declined` nothing is started and the exit code is that of a prompt that was declined.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

_DECLINED = 1223 & 0xFF


def main(argv: list[str]) -> int:
    """Runs the program to its end and gives its exit code, or that of a prompt that was declined."""
    lab = Path(argv[0]).resolve().parents[3]
    with (lab / "log" / "prompts.log").open("a", encoding="utf-8") as log:
        log.write(json.dumps(argv[1:]) + "\n")
    faults = lab / "faults.json"
    if faults.exists() and "uac-declined" in json.loads(faults.read_text(encoding="utf-8"))["faults"]:
        return _DECLINED
    return subprocess.run(
        argv[1:], env={**os.environ, "WSLNET_LAB_IDENTITY": "owner"}, check=False
    ).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv))
