#!/usr/bin/env -S python3 -IS
"""`powershell.exe`, `wsl.exe` and `netsh.exe` on the lab's Windows: hands its streams to the Windows host.

The host does what the real program would, on these very streams; this process waits and ends with its exit
code. It lies in LAB/standins/windows/bin under each of the names.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from pathlib import Path

_PASSED_ON = ("WSL_UTF8", "WSL_DISABLE_WARNINGS", "WSLNET_LAB_IDENTITY")
_NO_HOST = 1


def main(argv: list[str]) -> int:
    """Asks the host and gives the exit code; 1 with a line on stderr when there is no host."""
    program = Path(argv[0])
    request = {
        "argv": [program.name, *argv[1:]],
        "environment": {name: os.environ[name] for name in _PASSED_ON if name in os.environ},
    }
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.connect(str(program.resolve().parents[3] / "windows/programs.sock"))
            socket.send_fds(connection, [json.dumps(request).encode() + b"\n"], [0, 1, 2])
            with connection.makefile("rb") as stream:
                answer = json.loads(stream.readline() or b"{}")
    except OSError as error:
        sys.stderr.write(f"{program.name}: this Windows does not run: {error}\n")
        return _NO_HOST
    if "error" in answer:
        sys.stderr.write(f"{program.name}: {answer['error']['message']}\n")
    # An exit code has eight bits here: -1 shows as 255.
    return int(answer.get("exit_code", _NO_HOST)) & 0xFF


if __name__ == "__main__":
    sys.exit(main(sys.argv))
