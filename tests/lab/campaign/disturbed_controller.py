"""The program, beside which somebody else writes: `disturbed_controller.py KIND COMMANDS ARGUMENT…`.

COMMANDS (JSON, a list of argument vectors) are run once, right after the first journal record of that KIND.
"""

from __future__ import annotations

import json
import subprocess
import sys

from wslnet.cli.main import main
from wslnet.engine.journal import Journal

_write = Journal.write


def _disturbed(journal: Journal, kind: str, **body: object) -> None:
    _write(journal, kind, **body)
    if kind == sys.argv[1]:
        for argv in json.loads(sys.argv[2]):
            subprocess.run(argv, check=True, capture_output=True, timeout=20)
        sys.argv[1] = ""


if __name__ == "__main__":
    Journal.write = _disturbed  # type: ignore[method-assign]
    main(sys.argv[3:])
