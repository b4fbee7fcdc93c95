r"""What a path of PowerShell's providers means: a file, a registry key, an environment variable.

`Env:\USERPROFILE`, `HKLM:\…`, `C:\…`, provider-qualified ones; relative paths start at the user's Documents
folder (psrp-facts 4). Nothing is opened here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wslnet_lab.host.engine.wildcards import is_pattern, matches
from wslnet_lab.host.state.disk import normal_path
from wslnet_lab.host.state.registry import full_path

if TYPE_CHECKING:
    from wslnet_lab.host.contract import BoundCall, Identity
    from wslnet_lab.host.state import MachineState

_ENVIRONMENT = ("env:", "environment::", "microsoft.powershell.core\\environment::")
_PROFILES = r"HKLM:\SOFTWARE\Microsoft\Windows NT\CurrentVersion\ProfileList"
_SYSTEM_PROFILE = r"C:\WINDOWS\system32\config\systemprofile"


@dataclass(frozen=True, slots=True)
class Place:
    """A path with its provider: `kind` is file, registry, environment, or unknown (no such drive)."""

    kind: str
    path: str
    given: str


class Paths:
    """Reads paths as the session of an identity does."""

    def __init__(self, state: MachineState) -> None:
        self._state = state

    def places(self, call: BoundCall) -> list[Place]:
        """The places that -Path (wildcards in its last part) or -LiteralPath names, in order."""
        literal = _texts(call.parameters.get("LiteralPath"))
        found = [self.place(text, call.session.identity) for text in literal]
        for text in _texts(call.parameters.get("Path")):
            place = self.place(text, call.session.identity)
            found += self._expanded(place) if is_pattern(text) and place.kind == "file" else [place]
        return found

    def place(self, given: str, identity: Identity) -> Place:
        """What one path means."""
        lowered = given.lower()
        for prefix in _ENVIRONMENT:
            if lowered.startswith(prefix):
                return Place("environment", given[len(prefix) :].strip("\\/"), given)
        registry = full_path(given) if ":" in given else None
        if registry is not None:
            return Place("registry", registry, given)
        home = self.home(identity)
        text = home + given[1:] if given[:2] in {"~", "~\\", "~/"} else given
        path = normal_path(text, f"{home}\\Documents")
        return Place("file", path, given) if path is not None else Place("unknown", given, given)

    def home(self, identity: Identity) -> str:
        """The profile folder of an identity."""
        if identity.system:
            return _SYSTEM_PROFILE
        folder = self._state.registry.get(rf"{_PROFILES}\{identity.sid}", "ProfileImagePath", identity.sid)
        return str(folder) if folder else rf"C:\Users\{identity.user}"

    def environment(self, identity: Identity) -> dict[str, str]:
        """The environment of a session of `identity`."""
        settings = self._state.settings
        home = self.home(identity)
        variables = {
            "COMPUTERNAME": settings.computer,
            "SystemRoot": "C:\\WINDOWS",
            "windir": "C:\\WINDOWS",
            "SystemDrive": "C:",
            "ProgramFiles": "C:\\Program Files",
            "ProgramData": "C:\\ProgramData",
            "OS": "Windows_NT",
            "PROCESSOR_ARCHITECTURE": "AMD64",
            "USERNAME": identity.user if not identity.system else f"{settings.computer}$",
            "USERPROFILE": home,
            "LOCALAPPDATA": f"{home}\\AppData\\Local",
            "APPDATA": f"{home}\\AppData\\Roaming",
            "TEMP": f"{home}\\AppData\\Local\\Temp",
        }
        stored = self._state.registry.values(r"HKCU:\Volatile Environment", identity.sid)
        return variables | {name: str(value.data) for name, value in stored.items()}

    def _expanded(self, place: Place) -> list[Place]:
        folder, _, pattern = place.path.rpartition("\\")
        root = self._state.disk.locate(folder if folder != "C:" else "C:\\")
        if root is None or not root.is_dir():
            return []
        names = sorted(entry.name for entry in root.iterdir() if matches(pattern, entry.name))
        return [Place("file", f"{folder}\\{name}", f"{folder}\\{name}") for name in names]


def switch(call: BoundCall, name: str) -> bool:
    """Whether a switch was given and not false."""
    return call.parameters.get(name) is True


def _texts(value: object) -> list[str]:
    items = value if isinstance(value, list | tuple) else [] if value is None else [value]
    return [str(item) for item in items]
