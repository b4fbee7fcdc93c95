"""The owner's `.wslconfig` as it lies on Windows: the link it may be, the bytes, why it could not be read."""

from __future__ import annotations

import base64
import ntpath
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wslnet_win_agent.bridge import demand
from wslnet_win_agent.calls import files
from wslnet_win_agent.errors import WindowsAgentError
from wslnet_win_agent.values import integer, texts

if TYPE_CHECKING:
    from wslnet_win_agent.bridge import ErrorRecord, WindowsObject
    from wslnet_win_agent.host import Host

NAME = ".wslconfig"


@dataclass(frozen=True, slots=True)
class FileState:
    """A file: where it really lies, its bytes (None: absent), and why it is there but cannot be read."""

    path: str
    target: str
    content: bytes | None
    error: str | None = None


def wslconfig_path(host: Host) -> str:
    """Give the path WSL reads for the user of this session."""
    return f"{host.user_profile}\\{NAME}"


def read_file(host: Host, path: str) -> FileState:
    """Read a file, a link followed, in one pipeline.

    Raises:
        WindowsAgentError: Windows refused for a reason that says nothing about the file.
    """
    reply = host.read([files.file_item(path), files.file_bytes(path)])
    items = [row for row in reply.outputs if _is_file(row)]
    content = b"".join(_bytes(row) for row in reply.outputs if not _is_file(row))
    target = _target(items[0], path) if items else path
    errors = [error for error in reply.errors if not error.is_not_found]
    if not errors:
        if reply.errors or not items:
            return FileState(path, target, None)
        _check_length(items[0], path, content)
        return FileState(path, target, content)
    if items or any(_is_locked(error) for error in errors):
        return FileState(path, target, None, "locked" if _is_locked(errors[0]) else errors[0].id)
    demand(reply, path)
    raise AssertionError(path)  # demand raises for a reply with errors


def wslconfig(host: Host) -> dict[str, object]:
    """Give the fact of docs/protocols.md 2."""
    state = read_file(host, wslconfig_path(host))
    content = None if state.content is None else base64.b64encode(state.content).decode()
    return {
        "path": state.path,
        "target": state.target,
        "exists": state.content is not None or state.error is not None,
        "content": content,
        "error": state.error,
    }


def _is_file(row: WindowsObject) -> bool:
    return any("System.IO.FileInfo" in name for name in row.type_names)


def _check_length(item: WindowsObject, path: str, content: bytes) -> None:
    """What did not all arrive must never be taken for the file; a link has a length of its own."""
    length = integer(item.get("Length"))
    if length is not None and not item.get("LinkType") and length != len(content):
        message = f"{path} has {length} bytes and {len(content)} arrived: it may just have changed, run again"
        raise WindowsAgentError("failed", message)


def _is_locked(error: ErrorRecord) -> bool:
    """Another program holds it: an I/O error of the file system provider, whatever the language."""
    return "IOError" in error.id


def _target(row: WindowsObject, path: str) -> str:
    """Follow a link one step, as Windows resolves a relative one: from the link's own folder."""
    targets = texts(row.get("Target"))
    if not targets or not row.get("LinkType"):
        return path
    return ntpath.normpath(ntpath.join(ntpath.dirname(path), targets[0]))


def _bytes(row: WindowsObject) -> bytes:
    """One piece of content: all bytes at once, a list of them, or a single one."""
    value = row.value
    if isinstance(value, bytes):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return bytes([value])
    if isinstance(value, (list, tuple)):
        return bytes(value)
    return b""
