"""Verbs `file.*` and `marker.*`, and the fact `files`: what wslnet leaves on a machine's disk.

Only files with `wslnet` in their name, in the folders below, that carry the tag; a file without it is
somebody else's and is never touched. Each does nothing by itself until its run is marked as confirmed
(docs/adr/0015). Not part of the bundle: it is sent with the first request that needs it.
"""

import base64
import os
import stat

from wslnet_linux_agent.ops import OpError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from wslnet_linux_agent.ops import Args

_FOLDERS = (
    "/etc/systemd/system",
    "/etc/network/if-up.d",
    "/etc/NetworkManager/dispatcher.d",
    "/etc/libvirt/hooks/network.d",
    "/etc/wslnet",
    "/usr/local/sbin",
)
# libvirt before 6.5 knows one hook only, and that by this name.
_FILES = ("/etc/libvirt/hooks/network",)
_CONFIRMED = "/var/lib/wslnet/confirmed"
_NAME = "wslnet"
_TAG = b"# wslnet "
_RUN = b"@RUN@"
_BESIDE = ".wslnet-tmp"
_MOST_BYTES = 65536


def files() -> "dict[str, Any]":
    """Files of that name in those folders, which of the folders are missing, which runs are confirmed."""
    missing = []  # type: list[str]
    found = []  # type: list[dict[str, Any]]
    for folder in _FOLDERS:
        if not os.path.isdir(folder):
            missing += [each for each in _missing(folder) if each not in missing]
            continue
        for name in sorted(os.listdir(folder)):
            path = os.path.join(folder, name)
            state = _read(path) if _NAME in path else None
            if state is not None:
                found.append(state)
    found += [state for state in map(_read, _FILES) if state is not None]
    confirmed = sorted(os.listdir(_CONFIRMED)) if os.path.isdir(_CONFIRMED) else []
    return {"missing": missing, "found": found, "confirmed": confirmed}


def write(args: "Args") -> "dict[str, Any]":
    """Put a file there, whole; `@RUN@` in it becomes the id of the run.

    Raises:
        OpError: `exists` if a file is there that wslnet did not make.
    """
    path = _place(args.text("path"))
    content = base64.b64decode(args.value("content"))
    if args.has("run"):
        content = content.replace(_RUN, _run(args).encode("ascii"))
    if _TAG not in content:
        raise OpError("bad-op", "a file without the tag: %s" % path)
    _refuse_foreign(path)
    os.makedirs(os.path.dirname(path), 0o755, exist_ok=True)
    beside = path + _BESIDE
    try:
        with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(content)
            os.fchown(file.fileno(), args.number("uid", 0), args.number("gid", 0))
            os.fchmod(file.fileno(), args.number("mode", 0o644, 0o7777))
            file.flush()
            os.fsync(file.fileno())
        os.rename(beside, path)
    except OSError:
        if os.path.exists(beside):
            os.unlink(beside)
        raise
    _sync(os.path.dirname(path))
    return {}


def remove(args: "Args") -> "dict[str, Any]":
    """Remove a file of ours, and of `folders` those that are empty then.

    Raises:
        OpError: `not-found`, or `exists` for one that wslnet did not make.
    """
    path = _place(args.text("path"))
    if not _refuse_foreign(path):
        raise OpError("not-found", "no such file: %s" % path)
    os.unlink(path)
    _sync(os.path.dirname(path))
    _remove_empty(args.texts("folders"))
    return {}


def mark(args: "Args") -> "dict[str, Any]":
    """Let what a run has left on the disk take effect from the next start on."""
    os.makedirs(_CONFIRMED, 0o755, exist_ok=True)
    os.close(os.open(os.path.join(_CONFIRMED, _run(args)), os.O_WRONLY | os.O_CREAT, 0o644))
    _sync(_CONFIRMED)
    return {}


def unmark(args: "Args") -> "dict[str, Any]":
    """Take that back.

    Raises:
        OSError: it was not there.
    """
    os.unlink(os.path.join(_CONFIRMED, _run(args)))
    _sync(_CONFIRMED)
    _remove_empty([_CONFIRMED, os.path.dirname(_CONFIRMED)])
    return {}


def _run(args: "Args") -> "str":
    run = args.text("run")
    if not run.replace("-", "").isalnum():
        raise OpError("bad-op", "no id of a run: %r" % run)
    return run


def _place(path: "str") -> "str":
    folder = os.path.dirname(path)
    if path not in _FILES and (folder not in _FOLDERS or _NAME not in path):
        raise OpError("bad-op", "wslnet keeps no file there: %s" % path)
    return path


def _read(path: "str") -> "dict[str, Any] | None":
    """One file as it is; `content` is null for what is no plain file, or too long to be ours."""
    try:
        status = os.lstat(path)
    except FileNotFoundError:
        return None
    content = None
    if stat.S_ISREG(status.st_mode) and status.st_size <= _MOST_BYTES:
        with open(path, "rb") as file:
            content = base64.b64encode(file.read()).decode("ascii")
    mode = stat.S_IMODE(status.st_mode)
    return {"path": path, "mode": mode, "uid": status.st_uid, "gid": status.st_gid, "content": content}


def _refuse_foreign(path: "str") -> "bool":
    found = _read(path)
    if found is not None and _TAG not in base64.b64decode(found["content"] or ""):
        raise OpError("exists", "%s is there and was not made by wslnet" % path)
    return found is not None


def _missing(folder: "str") -> "list[str]":
    """The folder and those above it that are not there, the deepest first."""
    missing = []
    while not os.path.isdir(folder):
        missing.append(folder)
        folder = os.path.dirname(folder)
    return missing


def _remove_empty(folders: "list[str]") -> "None":
    for folder in folders:
        try:
            os.rmdir(folder)
        except OSError:
            # Something else lies in it by now.
            return


def _sync(folder: "str") -> "None":
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
