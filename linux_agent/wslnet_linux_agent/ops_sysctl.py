"""Verb `sysctl.set`: one switch under /proc/sys; the answer is the value before, to put it back later."""

import os

from wslnet_linux_agent.ops import OpError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from wslnet_linux_agent.ops import Args

_ROOT = "/proc/sys"


def set_value(args: "Args") -> "dict[str, Any]":
    """Write a value, then those of the keys in `also` that have another one; a lost interface's are left out.

    Raises:
        OpError: the key is no key.
        OSError: there is no such switch, or the kernel refused.
    """
    before = write(args.text("key"), args.value("value"))
    for key, value in args.texts_by_name("also").items():
        path = _path(key)
        if os.path.exists(path):
            _write(path, value)
    return {"before": before}


def write(key: "str", value: "str") -> "str":
    """Write one switch and give its value before; raises as `set_value`."""
    return _write(_path(key), value)


def read(args: "Args") -> "str":
    """Give the value that the key has now.

    Raises:
        OSError: there is no such switch.
    """
    with open(_path(args.text("key")), encoding="utf-8") as file:
        return file.read().rstrip("\n").replace("\t", " ")


def _write(path: "str", value: "str") -> "str":
    with open(path, "r+", encoding="utf-8") as file:
        before = file.read().rstrip("\n")
        if before != value:
            file.seek(0)
            file.write(value + "\n")
    return before


def _path(key: "str") -> "str":
    # As `sysctl` reads it: dots part, and a slash stands for a dot in an interface's name.
    parts = [part.replace("/", ".") for part in key.split(".")]
    if any(part in ("", ".", "..") for part in parts):
        raise OpError("bad-op", "no key of sysctl: %s" % key)
    return os.path.join(_ROOT, *parts)
