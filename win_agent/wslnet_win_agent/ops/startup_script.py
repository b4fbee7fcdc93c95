"""A start-up script of the local Group Policy: put in, taken out, read back; other scripts stay as they are.

First the list of scripts, then the version that makes Windows read it: in the other order it could read the
old list once more. The folders are Windows' own, which administrators alone can write.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from wslnet_win_agent.boot.startup_script import (
    SCRIPTS_FILE,
    SCRIPTS_FOLDER,
    VERSION_FILE,
    StartupScript,
    raised,
    scripts_in,
    with_script,
    without_script,
)
from wslnet_win_agent.bridge import demand
from wslnet_win_agent.calls import files
from wslnet_win_agent.errors import WindowsAgentError
from wslnet_win_agent.facts.files import read_file

if TYPE_CHECKING:
    from wslnet_win_agent.host import Host

    from .arguments import Arguments


def put(host: Host, arguments: Arguments) -> dict[str, object]:
    """Make the script the last one that Windows runs at its start.

    Raises:
        WindowsAgentError: `exists`, `locked`, `failed` when it does not read back.
    """
    script = _script(arguments)
    before = _read(host, SCRIPTS_FILE)
    if script in scripts_in(before):
        raise WindowsAgentError("exists", f"{SCRIPTS_FILE} has {script.command} already")
    _make(host, SCRIPTS_FOLDER)
    _change(host, before, with_script(before, script))
    return {"before": {"there": False}, "after": {"there": True}}


def remove(host: Host, arguments: Arguments) -> dict[str, object]:
    """Take the script out; the file goes when nothing is left in it.

    Raises:
        WindowsAgentError: `not-found`, `locked`, `failed` when it does not read back.
    """
    script = _script(arguments)
    before = _read(host, SCRIPTS_FILE)
    if script not in scripts_in(before):
        raise WindowsAgentError("not-found", f"{SCRIPTS_FILE} has no {script.command}")
    _change(host, before, without_script(before, script))
    return {"before": {"there": True}, "after": {"there": False}}


def _change(host: Host, before: bytes | None, after: bytes | None) -> None:
    """Both files or neither: Windows does not read a list whose version is the old one."""
    _write(host, SCRIPTS_FILE, after)
    try:
        _write(host, VERSION_FILE, raised(_read(host, VERSION_FILE)))
    except WindowsAgentError:
        # That the first write cannot be taken back is no better told than why the second one failed.
        with suppress(WindowsAgentError):
            _write(host, SCRIPTS_FILE, before)
        raise


def _script(arguments: Arguments) -> StartupScript:
    words = arguments.text("command"), arguments.text("parameters")
    if any(character in word for word in words for character in "\r\n\0"):
        raise WindowsAgentError("bad-op", f"{arguments.verb}: a script is one line")
    return StartupScript(*words)


def _read(host: Host, path: str) -> bytes | None:
    state = read_file(host, path)
    if state.error is not None:
        code = "locked" if state.error == "locked" else "failed"
        raise WindowsAgentError(code, f"{path} cannot be read ({state.error})")
    return state.content


def _make(host: Host, folder: str) -> None:
    reply = host.read([files.file_item(folder)])
    if not any(error.is_not_found for error in reply.errors):
        demand(reply, folder)
        return
    host.attempt(files.new_folder(folder), f"making {folder}")


def _write(host: Host, path: str, content: bytes | None) -> None:
    call = files.remove(path) if content is None else files.write_bytes(path, content)
    host.attempt(call, f"writing {path}")
    if _read(host, path) != content:
        raise WindowsAgentError("failed", f"{path} was written and reads back otherwise")
