#!/usr/bin/env -S python3 -IS
"""What stands on the console of a lab's VM: a login as getty and login(1) make it, and then root's shell.

It speaks over the terminal that is its stdin. The accounts are those of /etc/lab-console (`USER:PASSWORD` a
line), none without it: the lab's machines share this host's PAM in name only.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import termios
from pathlib import Path

_ACCOUNTS = Path("/etc/lab-console")
_LOCAL_FLAGS = 3
_GREETING = "\nLinux lab 6.1.0\nLast login: Sat Nov 21 16:52:14 UTC 2026 on ttyS0\n"


def main() -> None:
    """Lets in whoever knows a password, one after the other."""
    text = _ACCOUNTS.read_text(encoding="utf-8") if _ACCOUNTS.exists() else ""
    accounts = dict(line.split(":", 1) for line in text.splitlines())
    while True:
        _say(f"\n{socket.gethostname()} login: ")
        user = _line()
        if not user:
            continue
        # As PAM does: what is typed after the prompt must not be flushed.
        _echo(on=False)
        _say("Password: ")
        password = _line()
        _echo(on=True)
        if accounts.get(user) == password:
            _say(_GREETING)
            subprocess.run(["/bin/sh", "-i"], env={**os.environ, "PS1": "# "}, check=False)
            _echo(on=True)
        else:
            _say("\nLogin incorrect\n")


def _say(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def _line() -> str:
    """The next line, letter by letter: what follows it is the shell's."""
    line = b""
    while not line.endswith(b"\n"):
        letter = os.read(0, 1)
        if not letter:
            sys.exit(0)
        line += letter
    return line.decode().rstrip("\n")


def _echo(*, on: bool) -> None:
    settings = termios.tcgetattr(0)
    flags = settings[_LOCAL_FLAGS]
    settings[_LOCAL_FLAGS] = flags | termios.ECHO if on else flags & ~termios.ECHO
    termios.tcsetattr(0, termios.TCSAFLUSH, settings)


if __name__ == "__main__":
    main()
