"""Who may do what with files and folders: the security descriptors of drive C: as SDDL.

What was set is kept, what was not is inherited as a fresh Windows has it. The lab's own file access is not
held to it; it is here to be read and changed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet_lab.host.state.json_file import JsonFile

if TYPE_CHECKING:
    from pathlib import Path

ADMINISTRATORS, SYSTEM, USERS = "BA", "SY", "BU"
_TRUSTED_INSTALLER = "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464"
_FULL = "(A;OICIID;FA;;;SY)(A;OICIID;FA;;;BA)"
_INHERITED = (
    ("c:\\program files", _TRUSTED_INSTALLER, f"{_FULL}(A;OICIID;0x1200a9;;;BU)"),
    ("c:\\windows", _TRUSTED_INSTALLER, f"{_FULL}(A;OICIID;0x1200a9;;;BU)"),
    # Users may make files and folders below ProgramData (windows-facts 11, folder squatting).
    ("c:\\programdata", SYSTEM, f"{_FULL}(A;OICIID;0x1200a9;;;BU)(A;CIID;DCLCRPCR;;;BU)(A;OICIIOID;FA;;;CO)"),
)


class FileSecurity:
    """The descriptors of one drive C:. Paths are normal ones, in any case."""

    def __init__(self, folder: Path, owner_sid: str) -> None:
        """Opens `acl.json` in the folder of the Windows' state."""
        self._file = JsonFile(folder / "acl.json", dict)
        self._owner_sid = owner_sid

    def owner(self, path: str) -> str:
        """The SID, or SDDL's short word for it, of the owner."""
        entry = self._file.data.get(path.lower(), {})
        return str(entry.get("owner") or self._default(path)[0])

    def entries(self, path: str) -> str:
        """The access list, SDDL's `D:` part with its flags: set here, set above, or as installed."""
        place = path.lower()
        while place:
            dacl = self._file.data.get(place, {}).get("dacl")
            if dacl is not None:
                return str(dacl)
            place = place.rpartition("\\")[0]
        return "D:AI" + self._default(path)[1]

    def set_owner(self, path: str, owner: str) -> None:
        """Makes somebody else the owner."""
        self._set(path, owner=owner)

    def set_entries(self, path: str, dacl: str) -> None:
        """Sets the access list of a folder for itself and all below it."""
        self._set(path, dacl=dacl)

    def made(self, path: str, owner: str) -> None:
        """A new file or folder: nothing is set on it yet but its owner."""
        with self._file.change() as entries:
            entries[path.lower()] = {"owner": owner}

    def _set(self, path: str, **values: str) -> None:
        with self._file.change() as entries:
            entries.setdefault(path.lower(), {}).update(values)

    def _default(self, path: str) -> tuple[str, str]:
        for prefix, owner, aces in _INHERITED:
            if path.lower() == prefix or path.lower().startswith(prefix + "\\"):
                return owner, aces
        return self._owner_sid, f"{_FULL}(A;OICIID;FA;;;{self._owner_sid})"
