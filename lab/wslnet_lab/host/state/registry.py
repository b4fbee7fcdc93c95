r"""The registry: keys and values by path, in any case, kept in `registry.json`.

Paths start with a hive in any of the usual spellings (`HKLM:\…`, `HKEY_LOCAL_MACHINE\…`, `Registry::…`).
HKEY_CURRENT_USER stands for HKEY_USERS\<sid> of the one who asks. It knows no meaning of any key.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from wslnet_lab.host.state.json_file import JsonFile

_HIVES = {
    "HKLM": "HKEY_LOCAL_MACHINE",
    "HKCU": "HKEY_CURRENT_USER",
    "HKU": "HKEY_USERS",
    "HKCR": "HKEY_CLASSES_ROOT",
    "HKCC": "HKEY_CURRENT_CONFIG",
}
_PROVIDER = ("registry::", "microsoft.powershell.core\\registry::")


@dataclass(frozen=True, slots=True)
class RegistryValue:
    """One value: `kind` is REG_SZ, REG_DWORD, REG_MULTI_SZ …, `data` text, a number or a list of texts."""

    kind: str
    data: object


def value_of(data: object) -> RegistryValue:
    """The value that plain data makes: numbers DWORD, lists MULTI_SZ, all else SZ."""
    if isinstance(data, bool):
        return RegistryValue("REG_DWORD", int(data))
    if isinstance(data, int):
        return RegistryValue("REG_DWORD" if 0 <= data < 2**32 else "REG_QWORD", data)
    if isinstance(data, list | tuple):
        return RegistryValue("REG_MULTI_SZ", [str(item) for item in data])
    return RegistryValue("REG_SZ", str(data))


def full_path(path: str) -> str | None:
    """The path with its hive's full name, without doubled or trailing backslashes; None: no registry path."""
    text = path.replace("/", "\\") if path.lower().startswith(("hklm:", "hkcu:")) else path
    for prefix in _PROVIDER:
        if text.lower().startswith(prefix):
            text = text[len(prefix) :]
            break
    parts = [part for part in text.split("\\") if part]
    if not parts:
        return None
    hive = _HIVES.get(parts[0].rstrip(":").upper(), parts[0].upper())
    if hive not in _HIVES.values():
        return None
    return "\\".join([hive, *parts[1:]])


class RegistryStore:
    """The keys of one Windows, seen by one user at a time through `sid`."""

    def __init__(self, file: JsonFile) -> None:
        self._file = file
        self._watches: list[tuple[str, Callable[[], None]]] = []

    def watch(self, path: str, told: Callable[[], None]) -> None:
        """Has `told` called after each change of a value at or below a key (RegNotifyChangeKeyValue)."""
        self._watches.append((path.lower(), told))

    def key(self, path: str, sid: str) -> str | None:
        """The path of an existing key as it is spelled in the registry, or None."""
        wanted = self._absolute(path, sid)
        if wanted is None:
            return None
        lowered = wanted.lower()
        for known in self._file.data:
            if known.lower() == lowered:
                return known
            if known.lower().startswith(lowered + "\\"):
                return known[: len(wanted)]
        return None

    def values(self, path: str, sid: str) -> dict[str, RegistryValue]:
        """The values of a key; none when it does not exist."""
        key = self.key(path, sid)
        rows: Mapping[str, Mapping[str, object]] = self._file.data.get(key, {}) if key else {}
        return {name: RegistryValue(str(row["kind"]), row["data"]) for name, row in rows.items()}

    def get(self, path: str, name: str, sid: str) -> object:
        """The data of one value, or None."""
        for known, value in self.values(path, sid).items():
            if known.lower() == name.lower():
                return value.data
        return None

    def subkeys(self, path: str, sid: str) -> list[str]:
        """The names of the keys directly below, in order."""
        key = self.key(path, sid)
        if key is None:
            return []
        start = key.lower() + "\\"
        names = {
            known[len(start) :].split("\\")[0]: None
            for known in self._file.data
            if known.lower().startswith(start)
        }
        return sorted(names)

    def set(self, path: str, name: str, value: RegistryValue, sid: str) -> None:
        """Sets one value; the key is made when it is not there."""
        key = self.key(path, sid) or self._absolute(path, sid)
        if key is None:
            raise ValueError(f"{path} is no registry path")
        with self._file.change() as data:
            rows = data.setdefault(key, {})
            spelled = next((known for known in rows if known.lower() == name.lower()), name)
            rows[spelled] = {"kind": value.kind, "data": value.data}
        self._tell(key)

    def delete(self, path: str, name: str, sid: str) -> bool:
        """Deletes one value; False when it is not there."""
        key = self.key(path, sid)
        with self._file.change() as data:
            rows = data.get(key or "", {})
            spelled = next((known for known in rows if known.lower() == name.lower()), None)
            if spelled is None:
                return False
            del rows[spelled]
        self._tell(key or "")
        return True

    def _tell(self, key: str) -> None:
        for watched, told in self._watches:
            if f"{key.lower()}\\".startswith(f"{watched}\\"):
                told()

    @staticmethod
    def _absolute(path: str, sid: str) -> str | None:
        full = full_path(path)
        if full is not None and full.split("\\")[0] == "HKEY_CURRENT_USER":
            return "\\".join(["HKEY_USERS", sid, *full.split("\\")[1:]])
        return full
