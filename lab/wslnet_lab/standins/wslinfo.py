#!/usr/bin/python3 -IS
"""WSL's `wslinfo`: tells the mode that WSL really runs in and its version (wsl-facts 2.1, tests 8)."""

import json
import socket
import sys

_USAGE = "Usage: wslinfo [--networking-mode | --version | --wsl-version | --vm-id] [-n]"


def main(arguments):
    newline = "" if "-n" in arguments or "--no-newline" in arguments else "\n"
    questions = [each for each in arguments if each not in ("-n", "--no-newline")]
    keys = {"--networking-mode": "mode", "--version": "version", "--wsl-version": "version", "--vm-id": "vm_id"}
    if len(questions) != 1 or questions[0] not in keys:
        sys.stderr.write(_USAGE + "\n")
        return 1
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(10)
        connection.connect("/run/libvirt/libvirt-sock")
        connection.sendall(b'{"method": "wsl_info", "params": {}}\n')
        answer = json.loads(connection.makefile().readline())
    sys.stdout.write(answer["result"][keys[questions[0]]] + newline)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
