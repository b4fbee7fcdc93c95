"""What stands on Windows of the constrained endpoint, and who could change it."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from wslnet_win_agent import registry
from wslnet_win_agent.boot.access import strangers
from wslnet_win_agent.bridge import demand
from wslnet_win_agent.calls import endpoints as calls
from wslnet_win_agent.calls import files
from wslnet_win_agent.endpoint.local_use import BLOCKED, judged
from wslnet_win_agent.endpoint.offer import CONFIGURATION, READS
from wslnet_win_agent.endpoint.places import (
    FILES,
    MODULE_FOLDER,
    MODULES_FOLDER,
    ROLES_FOLDER,
    VERDICT,
    path_of,
)
from wslnet_win_agent.endpoint.render import PSSC
from wslnet_win_agent.errors import WindowsAgentError
from wslnet_win_agent.values import text

from .files import read_file

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wslnet_win_agent.host import Host

_FILE_SYSTEM = "FileSystem::"


def endpoint(host: Host) -> dict[str, object]:
    """Give the fact of docs/protocols.md 2."""
    held = stored(host)
    return {
        "registered": is_registered(host),
        "files": held,
        "modules": _modules(host),
        "strangers": outsiders(host),
        "local": _judged(host, held),
    }


def local_use(host: Host) -> dict[str, object]:
    """Give the fact `endpoint_local`: what is kept of the probe, and what it is worth here and now.

    It needs no administrator: the files may be read by everybody.
    """
    return _judged(host, stored(host))


def _judged(host: Host, held: list[dict[str, str]]) -> dict[str, object]:
    content = read_file(host, VERDICT).content
    files = [(each["path"], base64.b64decode(each["content"])) for each in held]
    verdict, why = judged(content, files)
    if content is not None and (others := outsiders(host)):
        verdict, why = BLOCKED, f"others could have written it: {others[0]}"
    return {
        "verdict": verdict,
        "why": why,
        "content": None if content is None else base64.b64encode(content).decode(),
    }


def is_registered(host: Host) -> bool:
    """Whether Windows has the configuration.

    Raises:
        WindowsAgentError: `not-permitted`: only an administrator may look.
    """
    reply = host.read([calls.configuration(CONFIGURATION)])
    if not reply.outputs and not reply.errors:
        # By its name it is there or an error: a pipeline that says neither has lost its answer on the way.
        reply = host.read([calls.configuration(CONFIGURATION)])
    if any(error.is_denied for error in reply.errors):
        demand(reply, "the session configurations")
    return any(text(row.get("Name")) == CONFIGURATION for row in reply.outputs)


def stored(host: Host) -> list[dict[str, str]]:
    """The endpoint's files that are there, with their content as base64."""
    found = []
    for name in FILES:
        content = read_file(host, path_of(name)).content
        if content is not None:
            found.append({"path": name, "content": base64.b64encode(content).decode()})
    return found


def access(host: Host) -> dict[str, object] | None:
    """Give the fact `endpoint_access`; None in a session that may not look, as the endpoint's own."""
    try:
        strange = _look(host)
    except WindowsAgentError as error:
        if error.code in {"refused", "not-permitted"}:
            return None
        raise
    return {"installed": path_of(PSSC) in strange, "strangers": _named(strange)}


def outsiders(host: Host) -> list[str]:
    """Who beside administrators could change what the endpoint runs, or put a module before it."""
    return _named(_look(host))


def _named(strange: Mapping[str, tuple[str, ...]]) -> list[str]:
    return [f"{path}: {who}" for path, found in strange.items() for who in found]


def _look(host: Host) -> dict[str, tuple[str, ...]]:
    """The files and folders that are there, each with those who could change it and should not."""
    keys = registry.read(host.read([files.registry_keys([registry.ENVIRONMENT])]).outputs)
    listed = (keys.text(registry.ENVIRONMENT, "PSModulePath") or "").split(";")
    # Variables in the list (%SystemRoot%) stand for Windows' own folders.
    folders = [each for each in listed if each[1:3] == ":\\" and "%" not in each]
    own = [MODULES_FOLDER, MODULE_FOLDER, ROLES_FOLDER, *map(path_of, FILES), VERDICT]
    reply = host.read([files.access([*dict.fromkeys([*folders, *own])])])
    errors = [error for error in reply.errors if not error.is_not_found]
    if errors:
        demand(reply, "who may write what the endpoint runs")
    found = {}
    for row in reply.outputs:
        path = (text(row.get("Path")) or text(row.get("PSPath")) or "").rpartition(_FILE_SYSTEM)[2]
        found[path] = strangers(text(row.get("Sddl")) or "")
    return found


def _modules(host: Host) -> list[str]:
    """The modules of which this Windows has the first command that the endpoint offers."""
    first = {names[0]: module for module, names in READS.items()}
    reply = host.read([calls.commands(first)])
    return sorted({first[name] for row in reply.outputs if (name := text(row.get("Name"))) in first})
