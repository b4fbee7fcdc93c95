"""Calls about files and the registry (Management): literal paths only, so that no path is a pattern."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet_win_agent.call import Call

if TYPE_CHECKING:
    from collections.abc import Iterable


def registry_keys(paths: Iterable[str]) -> Call:
    """All values of several registry keys; one that is absent gives an error."""
    return Call("Get-ItemProperty", {"LiteralPath": list(paths)})


def set_value(path: str, name: str, value: str | int) -> Call:
    """Write: one text, or one DWORD, of a registry key that is there."""
    return Call("Set-ItemProperty", {"LiteralPath": [path], "Name": name, "Value": value})


def remove_value(path: str, name: str) -> Call:
    """Write: one value of a registry key gone."""
    return Call("Remove-ItemProperty", {"LiteralPath": [path], "Name": [name]})


def user_profile() -> Call:
    """The folder of the user that the session runs as."""
    return Call("Get-Item", {"LiteralPath": ["Env:\\USERPROFILE"]})


def user_name() -> Call:
    """The account that the session runs as, in Windows' own characters: domain and name."""
    return Call("Get-Item", {"LiteralPath": ["Env:\\USERDOMAIN", "Env:\\USERNAME"]})


def file_item(path: str) -> Call:
    """A file's own data, above all whether it is a link and to what."""
    return Call("Get-Item", {"LiteralPath": [path], "Force": True})


def file_bytes(path: str) -> Call:
    """The bytes of a file, as one list: an empty array that `-Raw` could give breaks pypsrp's reader."""
    return Call("Get-Content", {"LiteralPath": [path], "ReadCount": 0, "Encoding": "Byte"})


def write_bytes(path: str, content: bytes) -> Call:
    """Write: a file with exactly these bytes."""
    return Call("Set-Content", {"LiteralPath": [path], "Value": content, "Encoding": "Byte", "Force": True})


def copy_over(path: str, destination: str) -> Call:
    """Write: a copy of a file."""
    return Call("Copy-Item", {"LiteralPath": [path], "Destination": destination, "Force": True})


def move_over(path: str, destination: str) -> Call:
    """Write: a file put in another's place; Windows deletes, then moves (windows-facts 11)."""
    return Call("Move-Item", {"LiteralPath": [path], "Destination": destination, "Force": True})


def move(path: str, destination: str) -> Call:
    """Write: a file renamed to a name that nothing has; one call of Windows (MoveFileEx)."""
    return Call("Move-Item", {"LiteralPath": [path], "Destination": destination})


def remove(path: str) -> Call:
    """Write: remove one file."""
    return Call("Remove-Item", {"LiteralPath": [path], "Force": True})


def access(paths: Iterable[str]) -> Call:
    """Owner and access list of files and folders; one that is absent gives an error."""
    return Call("Get-Acl", {"LiteralPath": list(paths)})


def children(folder: str) -> Call:
    """What lies in a folder, not below."""
    return Call("Get-ChildItem", {"LiteralPath": [folder], "Force": True})


def new_folder(path: str) -> Call:
    """Write: a folder that is not there."""
    return Call("New-Item", {"Path": [path], "ItemType": "Directory"})


def new_file(path: str, text: str) -> Call:
    """Write: a file that is not there, with this text; without `Force` one that is there is an error."""
    return Call("New-Item", {"Path": [path], "ItemType": "File", "Value": text})
