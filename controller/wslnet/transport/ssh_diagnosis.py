"""Finds out, on a machine where the agent did not start, what is missing; only fixed commands that read."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from wslnet.errors import Unsupported
from wslnet.transport.pipe import after
from wslnet_linux_agent import bundle

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wslnet.transport.carrier import Shell

_DEADLINE_S = 10.0
_MOST_OUTPUT = 1 << 16
_INSTALLERS = {
    "debian": "apt install python3",
    "ubuntu": "apt install python3",
    "fedora": "dnf install python3",
    "rhel": "dnf install python3",
    "centos": "dnf install python3",
    "suse": "zypper install python3",
    "opensuse": "zypper install python3",
    "alpine": "apk add python3",
    "arch": "pacman -S python",
}


def command_line(argv: Sequence[str]) -> str:
    """Give the text that sshd hands to the user's shell: every word quoted, nothing else in it."""
    return shlex.join(argv)


def explain_missing_python(shell: Shell) -> None:
    """Raise if the machine has no Python 3, or one that is only a part of it (Debian's python3-minimal).

    Raises:
        Unsupported: with the command that installs it there.
    """
    missing = "there is no python3 on it"
    if runs(shell, (bundle.PYTHON[0], "-V")):
        if runs(shell, (*bundle.PYTHON, "import json, zlib, subprocess")):
            return
        missing = "its python3 is only a part of one, without the standard library"
    release = output(shell, ("cat", "/etc/os-release")).decode("utf-8", "replace")
    values = dict(line.split("=", 1) for line in release.splitlines() if "=" in line)
    names = f"{values.get('ID', '')} {values.get('ID_LIKE', '')}".replace('"', "").split()
    command = next((_INSTALLERS[name] for name in names if name in _INSTALLERS), _INSTALLERS["debian"])
    raise Unsupported(f"{shell.machine}: {missing}; install it there: {command}", machine=shell.machine)


def runs(shell: Shell, argv: Sequence[str]) -> bool:
    """Whether a command exists there and succeeds."""
    deadline = after(_DEADLINE_S)
    pipe = shell.execute(argv, deadline)
    try:
        while pipe.recv(deadline):
            pass
        return pipe.exit_status(deadline) == 0
    finally:
        pipe.close()


def output(shell: Shell, argv: Sequence[str]) -> bytes:
    """What a command prints, at most 64 KiB of it; nothing if it does not exist there."""
    deadline = after(_DEADLINE_S)
    pipe = shell.execute(argv, deadline)
    text = b""
    try:
        while len(text) < _MOST_OUTPUT and (data := pipe.recv(deadline)):
            text += data
    finally:
        pipe.close()
    return text
