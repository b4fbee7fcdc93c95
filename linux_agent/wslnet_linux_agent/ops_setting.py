"""Verb `setting.put`, verbs `module.*` and the fact `settings`: files of /etc that are others', one by one.

A file is put in the place of exactly what was read, as a file or as a link; an undo puts that back. Of the
kernel's modules only KVM's may be loaded. Not part of the bundle: sent when needed.
"""

import base64
import glob
import os
import stat

from wslnet_linux_agent import shell
from wslnet_linux_agent.ops import OpError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from wslnet_linux_agent.ops import Args

PATHS = ("/etc/fstab", "/etc/nsswitch.conf", "/etc/resolv.conf", "/etc/wsl.conf")
_SHARED_RESOLV = "/mnt/wsl/resolv.conf"
_MDNS = ("/lib/*/libnss_mdns*.so*", "/usr/lib/*/libnss_mdns*.so*", "/usr/lib*/libnss_mdns*.so*")
_MANAGER = "/run/NetworkManager"
_MANAGER_S = 3.0
_MODULES = ("kvm_intel", "kvm_amd")
_MODULE_S = 10.0
_MOST_BYTES = 65536
_BESIDE = ".wslnet-tmp"


def settings() -> "dict[str, Any]":
    """Each file as `{link}` or `{content}` (base64), null where it is not; and what is installed beside.

    `mdns`: the library by which names in .local are found; `shared_resolv`: WSL's own resolv.conf;
    `managed`: the links that NetworkManager manages.
    """
    return {
        "files": {path: _state(path) for path in PATHS},
        "mdns": any(glob.glob(pattern) for pattern in _MDNS),
        "shared_resolv": os.path.exists(_SHARED_RESOLV),
        "managed": _managed(),
    }


def _managed() -> "list[str]":
    if not os.path.isdir(_MANAGER):
        return []
    outcome = shell.run(["nmcli", "-t", "-f", "DEVICE,STATE", "device"], _MANAGER_S)
    rows = [line.split(":") for line in outcome.text().split("\n")] if outcome.code == 0 else []
    # States have notes behind them: "connected (externally)" is one that it only watches.
    left_alone = ("unmanaged", "unavailable", "connected (externally)")
    return [row[0] for row in rows if len(row) > 1 and row[1] not in left_alone]


def put(args: "Args") -> "dict[str, Any]":
    """Put `to` in the place of `expect`, each as the fact has it.

    Raises:
        OpError: `exists` when the file is not what was read.
    """
    path, wanted = args.text("path"), args.raw("to")
    if path not in PATHS:
        raise OpError("bad-op", "wslnet does not write %s" % path)
    if _state(path) != args.raw("expect"):
        raise OpError("exists", "%s is not what was read any more" % path)
    if wanted is None:
        os.unlink(path)
    elif "link" in wanted:
        os.symlink(wanted["link"], path + _BESIDE)
        os.rename(path + _BESIDE, path)
    else:
        _write(path, base64.b64decode(wanted["content"]))
    return {}


def load_module(args: "Args") -> "dict[str, Any]":
    """Load a module of KVM.

    Raises:
        OpError: the kernel has none of that name, or does not take it.
    """
    _modprobe([_module(args)])
    return {}


def unload_module(args: "Args") -> "dict[str, Any]":
    """Take it out again; one that a VM uses stays, and that is an error."""
    _modprobe(["-r", _module(args)])
    return {}


def _module(args: "Args") -> "str":
    name = args.text("module")
    if name not in _MODULES:
        raise OpError("bad-op", "wslnet does not load %s" % name)
    return name


def _modprobe(words: "list[str]") -> "None":
    outcome = shell.run(["modprobe", *words], _MODULE_S)
    if outcome.code != 0:
        raise OpError(outcome.problem or "failed", "modprobe: %s" % outcome.reason())


def _state(path: "str") -> "dict[str, str] | None":
    if os.path.islink(path):
        return {"link": os.readlink(path)}
    try:
        with open(path, "rb") as file:
            return {"content": base64.b64encode(file.read(_MOST_BYTES)).decode("ascii")}
    except FileNotFoundError:
        return None


def _write(path: "str", content: "bytes") -> "None":
    mode = 0o644
    if os.path.exists(path) and not os.path.islink(path):
        mode = stat.S_IMODE(os.stat(path).st_mode)
    beside = path + _BESIDE
    with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.chmod(beside, mode)
    os.rename(beside, path)
