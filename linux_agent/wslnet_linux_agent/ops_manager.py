"""Verbs `manager.leave` and `manager.return`: NetworkManager leaves links alone, and takes them again.

It is told by a file of ours below /run, which a reboot loses like everything it is about, never by stopping
it. Where it does not run there is nothing to tell. Not part of the bundle.
"""

import os
import re

from wslnet_linux_agent import shell
from wslnet_linux_agent.ops import OpError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from wslnet_linux_agent.ops import Args

_FOLDER = "/run/NetworkManager/conf.d"
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,14}$")
_TEXT = "# wslnet: links of the net %s\n[keyfile]\nunmanaged-devices+=%s\n"
_TIMEOUT_S = 10.0


def leave(args: "Args") -> "dict[str, Any]":
    """Let it leave `devices` alone, for the net `net`.

    Raises:
        OpError: it did not read its configuration again; `exists` if it was told already.
    """
    path, devices = _path(args), _devices(args)
    if os.path.exists(path):
        raise OpError("exists", "%s is there" % path)
    os.makedirs(_FOLDER, 0o755, exist_ok=True)
    with open(path, "w", encoding="ascii") as file:
        file.write(_TEXT % (args.text("net"), ";".join("interface-name:" + name for name in devices)))
    _reload()
    return {}


def give_back(args: "Args") -> "dict[str, Any]":
    """Let it manage them as before.

    Raises:
        OpError: it did not read its configuration again.
        OSError: it was not told to leave them.
    """
    os.unlink(_path(args))
    _reload()
    return {}


def _path(args: "Args") -> "str":
    return os.path.join(_FOLDER, "wslnet-%s.conf" % _sound(args.text("net")))


def _devices(args: "Args") -> "list[str]":
    return [_sound(name) for name in args.texts("devices")]


def _sound(name: "str") -> "str":
    if not _NAME.match(name):
        raise OpError("bad-op", "no name of a link: %s" % name)
    return name


def _reload() -> "None":
    outcome = shell.run(["nmcli", "general", "reload", "conf"], _TIMEOUT_S)
    if outcome.code != 0:
        raise OpError(outcome.problem or "failed", "nmcli: %s" % outcome.reason())
