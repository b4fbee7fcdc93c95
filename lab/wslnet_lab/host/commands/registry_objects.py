r"""Objects of the registry and environment providers as they cross the wire: keys, values, variables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet_lab.host.contract import Number, PlainObject

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wslnet_lab.host.state.registry import RegistryValue

_PROVIDER = "Microsoft.PowerShell.Core\\Registry"
_CUSTOM = ("System.Management.Automation.PSCustomObject", "System.Object")
_INT32, _TWICE = 2**31, 2**32


def provider_path(asked: str, spelled: str) -> str:
    r"""The path as PowerShell shows it: HKEY_CURRENT_USER stays that, not HKEY_USERS\<sid>."""
    if asked.startswith("HKEY_CURRENT_USER") and spelled.startswith("HKEY_USERS\\"):
        return "\\".join(["HKEY_CURRENT_USER", *spelled.split("\\")[2:]])
    return spelled


def values_object(path: str, given: str, values: Mapping[str, RegistryValue]) -> PlainObject:
    """What Get-ItemProperty gives for a key: the values and the provider's five notes."""
    notes = {name: crossing(value) for name, value in values.items()}
    return PlainObject(_CUSTOM, {}, {**notes, **_notes(path, given)})


def key_object(path: str, given: str, values: Mapping[str, RegistryValue], subkeys: list[str]) -> PlainObject:
    """What Get-Item gives for a key."""
    properties = {"SubKeyCount": len(subkeys), "ValueCount": len(values), "Name": path, "View": "Default"}
    notes = {**_notes(path, given), "PSIsContainer": True, "Property": list(values)}
    types = ("Microsoft.Win32.RegistryKey", "System.MarshalByRefObject", "System.Object")
    return PlainObject(types, properties, notes, to_string=path)


def environment_entry(name: str, value: str) -> PlainObject:
    """What Get-Item gives for `Env:NAME`."""
    provider = "Microsoft.PowerShell.Core\\Environment"
    notes = {
        "PSPath": f"{provider}::{name}",
        "PSDrive": "Env",
        "PSProvider": provider,
        "PSIsContainer": False,
        "Name": name,
    }
    types = ("System.Collections.DictionaryEntry", "System.ValueType", "System.Object")
    return PlainObject(types, {"Key": name, "Value": value}, notes, to_string=types[0])


def crossing(value: RegistryValue) -> object:
    """The .NET value of a registry value: DWORD is a signed Int32."""
    if value.kind == "REG_DWORD" and isinstance(value.data, int):
        return value.data - _TWICE if value.data >= _INT32 else value.data
    if value.kind == "REG_QWORD" and isinstance(value.data, int):
        return Number("I64", value.data)
    if value.kind == "REG_BINARY" and isinstance(value.data, str):
        return bytes.fromhex(value.data)
    return value.data


def _notes(path: str, given: str) -> dict[str, object]:
    parent, _, name = path.rpartition("\\")
    notes: dict[str, object] = {
        "PSPath": f"{_PROVIDER}::{path}",
        "PSParentPath": f"{_PROVIDER}::{parent}",
        "PSChildName": name,
        "PSProvider": _PROVIDER,
    }
    drive = given.partition(":")[0].upper()
    if drive in {"HKLM", "HKCU"} and "::" not in given:
        notes["PSDrive"] = drive
    return notes
