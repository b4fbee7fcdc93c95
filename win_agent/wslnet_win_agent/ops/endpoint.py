"""The constrained endpoint: its files put in place and registered, or both taken away; each read back.

Files come first and the registration last, so that nobody is let in to half an endpoint; going is the
other way round.
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING

from wslnet_win_agent.calls import endpoints as calls
from wslnet_win_agent.calls import files
from wslnet_win_agent.endpoint.offer import CONFIGURATION
from wslnet_win_agent.endpoint.places import FILES, MODULE_FOLDER, ROLES_FOLDER, path_of
from wslnet_win_agent.endpoint.render import PSSC
from wslnet_win_agent.errors import WindowsAgentError
from wslnet_win_agent.facts.endpoint import is_registered, outsiders, stored

if TYPE_CHECKING:
    from wslnet_win_agent.host import Host

    from .arguments import Arguments


def install(host: Host, arguments: Arguments) -> dict[str, object]:
    """Write the files, make sure that only administrators can change them, register the configuration.

    `files`: `[{path, content (base64)}]`, each path one of the endpoint's own.

    Raises:
        WindowsAgentError: `bad-op`, `refused` when others could change them, `failed` when it does not read
            back.
    """
    wanted = _files(arguments)
    before = is_registered(host)
    have = {each["path"] for each in stored(host)}
    if not have:
        for folder in (MODULE_FOLDER, ROLES_FOLDER):
            if _is_absent(host, folder):
                host.attempt(files.new_folder(folder), f"making {folder}")
    for name in FILES:
        if name in wanted:
            host.attempt(files.write_bytes(path_of(name), wanted[name]), f"writing {path_of(name)}")
    if {each["path"]: base64.b64decode(each["content"]) for each in stored(host)} != wanted:
        raise WindowsAgentError("failed", f"{MODULE_FOLDER} was written and reads back otherwise")
    if others := outsiders(host):
        raise WindowsAgentError("refused", f"others could change what it runs: {others[0]}")
    host.attempt(calls.register(CONFIGURATION, path_of(PSSC)), f"registering {CONFIGURATION}")
    if not is_registered(host):
        raise WindowsAgentError("failed", f"{CONFIGURATION} was registered and is not there")
    return {"before": {"registered": before}, "after": {"registered": True}}


def remove(host: Host, _arguments: Arguments) -> dict[str, object]:
    """Unregister it and remove its files.

    Raises:
        WindowsAgentError: `not-found` when there is nothing, `failed` when something stays.
    """
    before = is_registered(host)
    have = {each["path"] for each in stored(host)}
    if not before and not have:
        raise WindowsAgentError("not-found", f"there is no endpoint {CONFIGURATION}")
    if before:
        host.attempt(calls.unregister(CONFIGURATION), f"unregistering {CONFIGURATION}")
    for name in reversed(FILES):
        if name in have:
            host.attempt(files.remove(path_of(name)), f"removing {path_of(name)}")
    for folder in (ROLES_FOLDER, MODULE_FOLDER):
        if not _is_absent(host, folder):
            host.attempt(files.remove(folder), f"removing {folder}")
    if is_registered(host) or stored(host):
        raise WindowsAgentError("failed", f"{CONFIGURATION} was removed and is still there")
    return {"before": {"registered": before}, "after": {"registered": False}}


def _files(arguments: Arguments) -> dict[str, bytes]:
    given = arguments.given.get("files")
    rows = given if isinstance(given, list) else []
    try:
        found = {str(row["path"]): base64.b64decode(str(row["content"]), validate=True) for row in rows}
    except (TypeError, KeyError, binascii.Error):
        found = {}
    if not found or not set(found) <= set(FILES) or PSSC not in found:
        raise WindowsAgentError("bad-op", f"{arguments.verb}: files are not those of the endpoint")
    return found


def _is_absent(host: Host, folder: str) -> bool:
    return any(error.is_not_found for error in host.read([files.file_item(folder)]).errors)
