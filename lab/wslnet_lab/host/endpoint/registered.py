r"""The session configurations of one Windows: registered files on its drive, opened for who connects.

`Register-PSSessionConfiguration` puts a copy into SessionConfig, as Windows does; every open reads that copy
and the role capabilities on PSModulePath anew (jea-facts A18). The virtual account is an administrator who
keeps the name of who is connected, which is all that functions of ours ask of it.
"""

from __future__ import annotations

import codecs
import ntpath
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from wslnet_lab.host.endpoint.engine import RestrictedEngine
from wslnet_lab.host.endpoint.failures import ConfigurationRefused
from wslnet_lab.host.endpoint.files import read_capability, read_configuration
from wslnet_lab.host.endpoint.session import open_session
from wslnet_lab.host.script.syntax import NotInTheLab

if TYPE_CHECKING:
    from wslnet_lab.host.contract import Session
    from wslnet_lab.host.endpoint.files import Capability, Configuration
    from wslnet_lab.host.engine.windows_commands import WindowsCommands
    from wslnet_lab.host.state import MachineState

CONFIGURATIONS = r"C:\Windows\System32\WindowsPowerShell\v1.0\SessionConfig"
MODULE_PATH = (
    r"C:\Program Files\WindowsPowerShell\Modules",
    r"C:\Windows\System32\WindowsPowerShell\v1.0\Modules",
)
_EVERY_REMOTE_USER = "builtin\\remote management users"


class NotAdmitted(Exception):
    """No role of the configuration is for who connects."""


@dataclass(frozen=True)
class Opened:
    """A session: what runs its commands, and as whom."""

    engine: RestrictedEngine
    session: Session


class Endpoints:
    """All of them."""

    def __init__(self, state: MachineState, windows: WindowsCommands) -> None:
        self._state = state
        self._world = _Machine(state, windows)

    def names(self) -> tuple[str, ...]:
        """The names of the registered configurations."""
        folder = self._state.disk.locate(CONFIGURATIONS)
        return () if folder is None else tuple(sorted(file.stem for file in folder.glob("*.pssc")))

    def open(self, name: str, session: Session) -> Opened | None:
        """A session of that configuration; None when none of that name is registered.

        Raises:
            NotAdmitted: It is not for this user.
            ConfigurationRefused, OpenFailed: It does not open.
        """
        text = _text(self._state, rf"{CONFIGURATIONS}\{name}.pssc")
        if text is None:
            return None
        configuration = read_configuration(text)
        roles = _roles_of(configuration, session.identity.user)
        inside = replace(session, no_language=True)
        if configuration.virtual_account:
            inside = replace(inside, identity=replace(session.identity, admin=True))
        capabilities = [self._capability(role) for role in roles]
        opened = open_session(configuration, capabilities, self._world, inside)
        return Opened(RestrictedEngine(opened), inside)

    def _capability(self, role: str) -> Capability:
        module, _, name = role.rpartition("\\")
        file = rf"RoleCapabilities\{name}.psrc"
        text = self._world.files.text(module, file) if module else self._world.files.first(file)
        if text is None:
            raise ConfigurationRefused(f"Could not find the role capability, '{role}'.")
        return read_capability(text)


def _roles_of(configuration: Configuration, user: str) -> tuple[str, ...]:
    plain = user.rpartition("\\")[2].lower()
    found: list[str] = []
    for group, roles in configuration.roles.items():
        name = group.lower()
        if name in (_EVERY_REMOTE_USER, user.lower()) or name.rpartition("\\")[2] == plain:
            found.extend(roles)
    if not found:
        raise NotAdmitted(user)
    return tuple(found)


def _text(state: MachineState, path: str) -> str | None:
    try:
        content = state.disk.read(path)
    except FileNotFoundError:
        return None
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16", "replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        # Without a mark Windows PowerShell takes the code page.
        return content.decode("cp1252", "replace")


class _Machine:
    """`session.World` over the machine's state."""

    def __init__(self, state: MachineState, windows: WindowsCommands) -> None:
        self.windows = windows
        self.files = _ModuleFolders(state)
        self.outside = _Outside(state)
        self._state = state

    def native(self, path: str, arguments: list[str]) -> list[str]:
        """Nothing of ours starts programs from a constrained session."""
        raise NotInTheLab(f"the program {path} with {len(arguments)} arguments")

    def start_script(self, path: str) -> str | None:
        """The text of a start-up script."""
        return _text(self._state, path)

    def keeps_transcripts(self, folder: str) -> bool:
        """The lab's Windows has one drive."""
        return ntpath.splitdrive(folder)[0].lower() == "c:"


class _ModuleFolders:
    """`modules.ModuleFiles`: the first folder of PSModulePath that has the file."""

    def __init__(self, state: MachineState) -> None:
        self._state = state

    def text(self, module: str, name: str) -> str | None:
        """The text of a file of a module."""
        found = (_text(self._state, rf"{folder}\{module}\{name}") for folder in MODULE_PATH)
        return next((text for text in found if text is not None), None)

    def first(self, name: str) -> str | None:
        """The first file of that name in any module, as for a role without a module (jea-facts A19)."""
        for folder in MODULE_PATH:
            place = self._state.disk.locate(folder)
            for module in sorted(place.iterdir()) if place is not None else ():
                text = _text(self._state, rf"{folder}\{module.name}\{name}")
                if text is not None:
                    return text
        return None


class _Outside:
    """`dotnet.Outside` over drive and registry."""

    def __init__(self, state: MachineState) -> None:
        self._state = state

    def variable(self, name: str) -> str | None:
        """Only what a service process has."""
        return {"systemroot": r"C:\Windows", "programdata": r"C:\ProgramData"}.get(name.lower())

    def read(self, path: str) -> bytes | None:
        """A file's bytes."""
        try:
            return self._state.disk.read(path)
        except FileNotFoundError:
            return None

    def write(self, path: str, content: bytes) -> None:
        """Puts bytes into a file."""
        self._state.disk.write(path, content)

    def registry_value(self, key: str, name: str) -> object:
        """A value of the registry."""
        return self._state.registry.get(key, name, self._state.settings.owner_sid)
