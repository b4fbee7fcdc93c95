r"""FileInfo and DirectoryInfo objects, as Get-Item puts them out over the wire.

Own properties in Props (depth 1: folders are text), the provider's notes and LinkType/Target in MS.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from wslnet_lab.host.contract import Number, PlainObject

if TYPE_CHECKING:
    from wslnet_lab.host.state.disk import Disk

_PROVIDER = "Microsoft.PowerShell.Core\\FileSystem"
_FILE = ("System.IO.FileInfo", "System.IO.FileSystemInfo", "System.MarshalByRefObject", "System.Object")
_FOLDER = ("System.IO.DirectoryInfo", *_FILE[1:])


def file_object(disk: Disk, path: str, place: Path) -> PlainObject:
    """The object of the file or folder at `path`, which lies at `place` (a link stands for itself)."""
    spelled = disk.spelled(place)
    target = disk.link_target(path)
    folder = place.is_dir() and target is None
    status = place.lstat()
    written = datetime.fromtimestamp(status.st_mtime, UTC)
    name = place.name if spelled != "C:\\" else spelled
    parent = spelled.rpartition("\\")[0]
    parent = parent if parent != "C:" else "C:\\"
    attributes = "Directory" if folder else "Archive"
    properties: dict[str, object] = {
        "Name": name,
        "FullName": spelled,
        "Extension": Path(name).suffix,
        "Exists": True,
        "Attributes": attributes + (", ReparsePoint" if target is not None else ""),
        "CreationTimeUtc": written,
        "CreationTime": written,
        "LastWriteTimeUtc": written,
        "LastWriteTime": written,
        "LastAccessTimeUtc": written,
        "LastAccessTime": written,
    }
    if folder:
        properties |= {"Parent": parent, "Root": "C:\\"}
    else:
        length = 0 if target is not None else status.st_size
        properties |= {
            "Length": Number("I64", length),
            "Directory": parent,
            "DirectoryName": parent,
            "IsReadOnly": False,
        }
    notes: dict[str, object] = {
        **provider_notes(spelled),
        "PSIsContainer": folder,
        "Mode": ("d----" if folder else "-a---") + ("l" if target is not None else "-"),
        "BaseName": Path(name).stem,
        "LinkType": "SymbolicLink" if target is not None else None,
        "Target": [target] if target is not None else [],
    }
    return PlainObject(_FOLDER if folder else _FILE, properties, notes, to_string=spelled)


def provider_notes(spelled: str) -> dict[str, object]:
    """The notes that the file system provider adds to whatever it gives out."""
    parent, _, name = spelled.rpartition("\\")
    return {
        "PSPath": f"{_PROVIDER}::{spelled}",
        "PSParentPath": f"{_PROVIDER}::{parent if parent != 'C:' else 'C:' + chr(92)}",
        "PSChildName": name,
        "PSDrive": "C",
        "PSProvider": _PROVIDER,
    }
