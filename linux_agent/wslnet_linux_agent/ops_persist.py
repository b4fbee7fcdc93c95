"""Verbs `link.*`, `boot_command.set`, `hosts.write` and `resident.start`: what a machine's start reads.

A unit is enabled by its link, WSL's `[boot] command` by the bytes of /etc/wsl.conf that the controller edited
without loss, as it does /etc/hosts. What is started does nothing unless its run is confirmed. Not part of the
bundle.
"""

import base64
import hashlib
import os
import stat

from wslnet_linux_agent import shell
from wslnet_linux_agent.ops import OpError
from wslnet_linux_agent.ops_owned import PROGRAM

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from wslnet_linux_agent.ops import Args

UNIT = "wslnet-agent.service"
WSL_CONF = "/etc/wsl.conf"
HOSTS = "/etc/hosts"
_LINK = "/etc/systemd/system/multi-user.target.wants/" + UNIT
_TARGET = "../" + UNIT
_SYSTEMD = "/run/systemd/system"
_BESIDE = ".wslnet-tmp"
_START_S = 20.0


def link(_: "Args") -> "dict[str, Any]":
    """Enable the unit.

    Raises:
        OSError: `exists`: something of that name is there.
    """
    os.makedirs(os.path.dirname(_LINK), 0o755, exist_ok=True)
    os.symlink(_TARGET, _LINK)
    return {}


def unlink(args: "Args") -> "dict[str, Any]":
    """Disable the unit; the folder goes too if it was `made` for it and is empty.

    Raises:
        OpError: `exists`: what is there is not ours. OSError: `not-found`.
    """
    if os.readlink(_LINK) != _TARGET:
        raise OpError("exists", "%s leads elsewhere" % _LINK)
    os.unlink(_LINK)
    folder = os.path.dirname(_LINK)
    if args.raw("made") and not os.listdir(folder):
        os.rmdir(folder)
    return {}


def enabled() -> "dict[str, Any]":
    """Whether the unit is enabled, and whether the folder for that is there."""
    there = os.path.islink(_LINK) and os.readlink(_LINK) == _TARGET
    return {"unit": there, "folder": os.path.isdir(os.path.dirname(_LINK))}


def set_boot_command(args: "Args") -> "dict[str, Any]":
    """Write /etc/wsl.conf whole; `content` null removes it, `expect_sha256` is of what must be there now.

    Raises:
        OpError: `exists`: it is not what was read.
    """
    return _replace(WSL_CONF, args)


def write_hosts(args: "Args") -> "dict[str, Any]":
    """Write /etc/hosts whole; arguments and errors as for /etc/wsl.conf."""
    return _replace(HOSTS, args)


def content(path: "str") -> "str | None":
    """Give the bytes of a file in base64; None if there is none."""
    found = _content(path)
    return None if found is None else base64.b64encode(found).decode("ascii")


def start(_: "Args") -> "dict[str, Any]":
    """Let the confirmed program begin, and forget what was removed, without a restart of the machine.

    Raises:
        OpError: it does not start.
    """
    commands = [[PROGRAM, "watch", "--background"]]
    if os.path.isdir(_SYSTEMD):
        commands = [["systemctl", "daemon-reload"], ["systemctl", "restart", UNIT]]
    if not os.path.exists(PROGRAM):
        commands = commands[:1] if os.path.isdir(_SYSTEMD) else []
    for argv in commands:
        shell.run(argv, _START_S).text()
    return {}


def _replace(path: "str", args: "Args") -> "dict[str, Any]":
    found = _content(path)
    if args.raw("expect_sha256") != (None if found is None else hashlib.sha256(found).hexdigest()):
        raise OpError("exists", "%s is not what was read any more" % path)
    if not args.has("content"):
        os.unlink(path)
        return {}
    # A link stays a link: what it leads to is replaced.
    place = os.path.realpath(path)
    mode = 0o644 if found is None else stat.S_IMODE(os.stat(place).st_mode)
    with open(os.open(place + _BESIDE, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as file:
        file.write(base64.b64decode(args.value("content")))
        file.flush()
        os.fsync(file.fileno())
    os.chmod(place + _BESIDE, mode)
    os.rename(place + _BESIDE, place)
    return {}


def _content(path: "str") -> "bytes | None":
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        return None
