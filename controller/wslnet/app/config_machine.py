"""WSL's two files where they lie: `.wslconfig` on Windows, /etc/wsl.conf in the distribution. Reads only.

What is known around them (mode, policies, version, the other file) comes from the same reading.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wslnet.app.config_file import KINDS, ConfigFile, known_key
from wslnet.app.doctor import wake_wsl
from wslnet.checks.parts.wslconfig import around_wslconfig, config_of
from wslnet.engine.gather import gather
from wslnet.errors import AgentError, InputError
from wslnet_win_agent.wslconfig import WSL_CONF, WSLCONFIG
from wslnet_win_agent.wslconfig.lint import Surroundings

if TYPE_CHECKING:
    from collections.abc import Collection

    from wslnet.engine.fleet import Fleet
    from wslnet.errors import WslnetError
    from wslnet.model.machine import Machine
    from wslnet.model.snapshot import Snapshot
    from wslnet_win_agent.wslconfig import Schema

WSL_CONF_PATH = "/etc/wsl.conf"
_WINDOWS = frozenset({"wslconfig", "registry", "wsl"})
_INSIDE = frozenset({"persistence", "in_use", "wsl", "identity", "routes"})


@dataclass(frozen=True, slots=True)
class Unread:
    """A file that could not be read, where, and why."""

    file: str
    machine: str
    error: WslnetError


@dataclass(frozen=True)
class MachineFiles:
    """The files that were asked for, and what was read beside them."""

    snapshot: Snapshot
    files: tuple[ConfigFile, ...]
    unread: tuple[Unread, ...] = ()


def schema_of_key(name: str, kind: str | None) -> tuple[Schema, str]:
    """The file that a key belongs to, and the key in WSL's spelling; `kind` is a key of KINDS, or None.

    Raises:
        InputError: WSL does not know it; the nearest one is named.
    """
    if kind is not None:
        return KINDS[kind], known_key(KINDS[kind], name)
    section, _, key = name.partition(".")
    for schema in (WSLCONFIG, WSL_CONF):
        if schema.canonical(section, key) is not None:
            return schema, known_key(schema, name)
    own = {one.partition(".")[0].casefold() for one in WSL_CONF.known}
    schema = WSL_CONF if section.casefold() in own else WSLCONFIG
    return schema, known_key(schema, name)


def read_files(fleet: Fleet, wanted: Collection[Schema], *, wake: bool = False) -> MachineFiles:
    """Reads the files of these kinds. A stopped WSL stays stopped unless `wake`, and its file unread.

    Raises:
        InputError: the inventory has no machine for a file.
        WslnetError: none of them could be read; the first reason.
    """
    inventory = fleet.inventory
    windows, wsl = inventory.windows, inventory.wsl
    if (WSLCONFIG in wanted and windows is None) or (WSL_CONF in wanted and wsl is None):
        missing = "windows" if windows is None else "wsl"
        raise InputError(f"{inventory.path}: no machine of kind {missing}; `--file` works on any file")
    if wake:
        wake_wsl(fleet)
    needs = {one.name: facts for one, facts in ((windows, _WINDOWS), (wsl, _INSIDE)) if one is not None}
    snapshot = gather(fleet, needs)
    files: list[ConfigFile] = []
    unread: list[Unread] = []
    for schema in wanted:
        machine = windows if schema is WSLCONFIG else wsl
        if machine is None:
            continue
        found = _of_windows(snapshot, machine) if schema is WSLCONFIG else _of_wsl(snapshot, machine)
        if isinstance(found, ConfigFile):
            files.append(found)
        else:
            unread.append(Unread(schema.name, machine.name, found))
    if not files:
        raise unread[0].error
    return MachineFiles(snapshot, tuple(files), tuple(unread))


def _of_windows(snapshot: Snapshot, machine: Machine) -> ConfigFile | WslnetError:
    facts = snapshot.windows
    if facts is None:
        return snapshot.unseen[machine.name].error(machine.name)
    file = facts.wslconfig
    if file is None or file.error is not None:
        reason = file.error if file is not None else "Windows did not tell it"
        return AgentError(f"{machine.name}: .wslconfig cannot be read: {reason}", machine=machine.name)
    content = base64.b64decode(file.content or "") if file.exists else None
    return ConfigFile(file.path, WSLCONFIG, content, around_wslconfig(snapshot))


def _of_wsl(snapshot: Snapshot, machine: Machine) -> ConfigFile | WslnetError:
    facts = snapshot.linux(machine.name)
    if facts is None:
        return snapshot.unseen[machine.name].error(machine.name)
    if facts.persistence is None:
        return AgentError(f"{machine.name}: did not tell its {WSL_CONF_PATH}", machine=machine.name)
    content = None if facts.persistence.wsl_conf is None else base64.b64decode(facts.persistence.wsl_conf)
    link = facts.in_use.wsl_conf_link if facts.in_use is not None else None
    return ConfigFile(WSL_CONF_PATH, WSL_CONF, content, Surroundings(symlink=link, other=config_of(snapshot)))
