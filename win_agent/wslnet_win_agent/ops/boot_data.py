"""What the boot tasks read: one file in a folder that only SYSTEM and administrators can write.

The folder is taken into possession before anything is put in it: users may make folders below ProgramData, so
one that is there already may be a trap (windows-facts 11).
"""

from __future__ import annotations

import base64
import binascii
import ntpath
from typing import TYPE_CHECKING

from wslnet_win_agent.boot.access import strangers
from wslnet_win_agent.boot.places import DATA_FILE, DATA_FOLDER
from wslnet_win_agent.bridge import demand
from wslnet_win_agent.calls import files
from wslnet_win_agent.errors import WindowsAgentError
from wslnet_win_agent.facts.files import read_file
from wslnet_win_agent.values import text

if TYPE_CHECKING:
    from wslnet_win_agent.host import Host

    from .arguments import Arguments

ICACLS = r"C:\Windows\System32\icacls.exe"
_TIMEOUT_S = 20.0
_OWNER = "*S-1-5-32-544"
_FULL = ("*S-1-5-18:(OI)(CI)F", "*S-1-5-32-544:(OI)(CI)F")


def write(host: Host, arguments: Arguments) -> dict[str, object]:
    """Put the data there, the folder made or taken into possession first.

    `content` is base64; `reader` the SID that may read it beside SYSTEM and administrators.

    Raises:
        WindowsAgentError: `refused` for a folder with somebody else's things in it, `not-permitted`,
            `failed` when it does not read back.
    """
    content = _decoded(arguments)
    before = read_file(host, DATA_FILE).content
    _possess(host, arguments.text("reader"))
    host.attempt(files.write_bytes(DATA_FILE, content), f"writing {DATA_FILE}")
    if read_file(host, DATA_FILE).content != content:
        raise WindowsAgentError("failed", f"{DATA_FILE} was written and reads back otherwise")
    return {"before": {"there": before is not None}, "after": {"there": True}}


def remove(host: Host, _arguments: Arguments) -> dict[str, object]:
    """Remove the folder with the files in it.

    Raises:
        WindowsAgentError: `not-found`, `refused` when there are folders in it, which wslnet never makes.
    """
    found = _children(host)
    if found is None:
        raise WindowsAgentError("not-found", f"there is no {DATA_FOLDER}")
    for name, is_folder in found:
        if is_folder:
            raise WindowsAgentError("refused", f"{DATA_FOLDER} has a folder {name} that wslnet did not make")
    for name, _ in found:
        host.attempt(files.remove(rf"{DATA_FOLDER}\{name}"), f"removing {name}")
    host.attempt(files.remove(DATA_FOLDER), f"removing {DATA_FOLDER}")
    if _children(host) is not None:
        raise WindowsAgentError("failed", f"{DATA_FOLDER} was removed and is still there")
    return {"before": {"there": True}, "after": {"there": False}}


def _possess(host: Host, reader: str) -> None:
    """Make the folder ours: owner administrators, nothing inherited, no content but our own file."""
    if _children(host) is None:
        host.attempt(files.new_folder(DATA_FOLDER), f"making {DATA_FOLDER}")
    _icacls(host, "/setowner", _OWNER)
    _icacls(host, "/inheritance:r", "/grant:r", *_FULL, f"*{reader}:(OI)(CI)RX")
    reply = demand(host.read([files.access([DATA_FOLDER])]), DATA_FOLDER)
    descriptor = next((text(row.get("Sddl")) for row in reply.outputs if row.get("Sddl")), None) or ""
    if others := strangers(descriptor):
        message = f"{DATA_FOLDER} can still be changed by {', '.join(others)}"
        raise WindowsAgentError("refused", message)
    for name, is_folder in _children(host) or ():
        path = rf"{DATA_FOLDER}\{name}"
        reply = demand(host.read([files.access([path])]), path)
        sddl = next((text(row.get("Sddl")) for row in reply.outputs if row.get("Sddl")), None) or ""
        if is_folder or strangers(sddl):
            raise WindowsAgentError("refused", f"{path} was put there by somebody else: remove it first")


def _icacls(host: Host, *words: str) -> None:
    result = host.native.run((ICACLS, DATA_FOLDER, *words), timeout_s=_TIMEOUT_S, changes=True)
    host.touched = True
    if result.exit_code != 0:
        code = "not-permitted" if result.exit_code == 5 else "failed"  # noqa: PLR2004 - ERROR_ACCESS_DENIED
        raise WindowsAgentError(code, f"icacls {words[0]} on {DATA_FOLDER} gave {result.exit_code}")


def _children(host: Host) -> list[tuple[str, bool]] | None:
    """Give names in the folder and which are folders; None when there is no folder."""
    reply = host.read([files.children(DATA_FOLDER)])
    if any(error.is_not_found for error in reply.errors):
        return None
    demand(reply, DATA_FOLDER)
    rows = [(text(row.get("Name")), row) for row in reply.outputs]
    return [
        (ntpath.basename(name), any("DirectoryInfo" in kind for kind in row.type_names))
        for name, row in rows
        if name
    ]


def _decoded(arguments: Arguments) -> bytes:
    try:
        return base64.b64decode(arguments.text("content"), validate=True)
    except binascii.Error as error:
        raise WindowsAgentError("bad-op", f"{arguments.verb}: content is no base64") from error
