#!/usr/bin/env -S python3 -IS
"""WSL's `wslinfo`: tells the mode that WSL really runs in and its version (wsl-facts 2.1, tests 8)."""

from __future__ import annotations

import json
import socket
import sys

_SOCKET = "/run/WSL/info"
_USAGE = "Usage: wslinfo [--networking-mode | --version | --wsl-version | --vm-id] [-n]"
_KEYS = {"--networking-mode": "mode", "--version": "version", "--wsl-version": "version", "--vm-id": "vm_id"}
_NO_NEWLINE = ("-n", "--no-newline")


def main(arguments: list[str]) -> int:
    """Answers one question; 1 with a usage line for anything else."""
    questions = [each for each in arguments if each not in _NO_NEWLINE]
    if len(questions) != 1 or questions[0] not in _KEYS:
        sys.stderr.write(f"{_USAGE}\n")
        return 1
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(10)
        connection.connect(_SOCKET)
        connection.sendall(b'{"method": "wsl_info"}\n')
        answer = json.loads(connection.makefile().readline())
    newline = "" if len(questions) < len(arguments) else "\n"
    sys.stdout.write(answer["result"][_KEYS[questions[0]]] + newline)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
