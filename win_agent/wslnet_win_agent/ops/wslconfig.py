"""Replaces the owner's `.wslconfig`: temp file beside it, put in its place, read back; the old one is kept.

A link is followed and its target replaced. Windows' `Move-Item -Force` deletes and then moves, so there is
a moment without the file; if the second half fails the move is finished from what was read, not blindly.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import ntpath
from typing import TYPE_CHECKING

from wslnet_win_agent.calls import files
from wslnet_win_agent.errors import DeliveryUnknown, WindowsAgentError
from wslnet_win_agent.facts.files import NAME, FileState, read_file

if TYPE_CHECKING:
    from wslnet_win_agent.host import Host

    from .arguments import Arguments

BACKUP_SUFFIX = ".wslnet-bak"
TEMPORARY_SUFFIX = ".wslnet-tmp"


def write(host: Host, arguments: Arguments) -> dict[str, object]:
    """Write the file, or remove it when `content` is null; what is so already is left alone.

    Values are `{"sha256": …}` or null for an absent file.

    Raises:
        WindowsAgentError: `changed` when the file is not what the plan saw, `locked`, `failed`.
    """
    path = _checked_path(host, arguments.text("path"))
    wanted = _content(arguments)
    expected = arguments.optional_text("expect_sha256")
    state = _read(host, path)
    before = _digest(state.content)
    if state.content == wanted:
        return {"before": _fact(before), "after": _fact(before)}
    if before != expected:
        raise WindowsAgentError("changed", f"{path} has changed since it was read: run again")
    if state.content is not None:
        host.write(files.copy_over(state.target, state.target + BACKUP_SUFFIX), f"keeping {path}")
    if wanted is None:
        _remove(host, state.target)
    else:
        _replace(host, state, wanted)
    after = _read(host, path).content
    if after != wanted:
        raise WindowsAgentError("failed", f"{path} was written and reads back otherwise")
    return {"before": _fact(before), "after": _fact(_digest(after))}


def _checked_path(host: Host, path: str) -> str:
    """Only the user's own `.wslconfig`, by its own path or by that of the file it links to."""
    own = ntpath.join(host.user_profile, NAME)
    if ntpath.normcase(path) in (ntpath.normcase(own), ntpath.normcase(_read(host, own).target)):
        return path
    raise WindowsAgentError("bad-op", f"{path} is not the .wslconfig of this user ({own})")


def _content(arguments: Arguments) -> bytes | None:
    text = arguments.optional_text("content")
    try:
        return None if text is None else base64.b64decode(text, validate=True)
    except binascii.Error:
        raise WindowsAgentError("bad-op", "wslconfig.write: content is not base64") from None


def _read(host: Host, path: str) -> FileState:
    state = read_file(host, path)
    if state.error is not None:
        code = "locked" if state.error == "locked" else "failed"
        raise WindowsAgentError(
            code, f"{path} cannot be read ({state.error}): close the program that holds it and run again"
        )
    return state


def _replace(host: Host, state: FileState, wanted: bytes) -> None:
    temporary = state.target + TEMPORARY_SUFFIX
    host.write(files.write_bytes(temporary, wanted), f"writing {temporary}")
    if _read(host, temporary).content != wanted:
        raise WindowsAgentError("failed", f"{temporary} was written and reads back otherwise")
    try:
        host.write(files.move_over(temporary, state.target), f"replacing {state.target}")
    except DeliveryUnknown:
        return  # the caller reads back
    except WindowsAgentError as error:
        _after_failed_move(host, state, temporary, error)


def _after_failed_move(host: Host, state: FileState, temporary: str, error: WindowsAgentError) -> None:
    """Look before acting: finish the move if the old file is gone, else leave it and clean up."""
    now = read_file(host, state.target)
    if now.content is None and now.error is None:
        host.write(files.move_over(temporary, state.target), f"replacing {state.target}")
        return
    _remove(host, temporary)
    if "IOError" in error.message:
        message = f"{state.target} is held by another program: close it and run again"
        raise WindowsAgentError("locked", message) from error
    raise error


def _remove(host: Host, path: str) -> None:
    host.attempt(files.remove(path), f"removing {path}")


def _digest(content: bytes | None) -> str | None:
    return None if content is None else hashlib.sha256(content).hexdigest()


def _fact(digest: str | None) -> dict[str, str] | None:
    return None if digest is None else {"sha256": digest}
