"""Get-Acl of a file or folder, and New-Item for both."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet_lab.host.commands.file_objects import file_object
from wslnet_lab.host.commands.provider_errors import drive_not_found, file_exists, not_modelled, record
from wslnet_lab.host.contract import BoundCall, Category, CommandError, PlainObject, Sink
from wslnet_lab.host.state.acl import ADMINISTRATORS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wslnet_lab.host.commands.paths import Paths
    from wslnet_lab.host.engine import Registry
    from wslnet_lab.host.state import MachineState

_ABSENT = (
    "System.Management.Automation.ItemNotFoundException",
    "System.Management.Automation.SessionStateException",
)


class FileSecurityCommands:
    """The bodies of both cmdlets."""

    def __init__(self, state: MachineState, paths: Paths) -> None:
        self._state = state
        self._paths = paths

    def get_acl(self, call: BoundCall, sink: Sink) -> Iterator[object]:
        """Get-Acl: owner and SDDL of what -Path or -LiteralPath names."""
        for place in self._paths.places(call):
            found = self._state.disk.locate(place.path) if place.kind == "file" else None
            if found is None:
                message = f"Cannot find path '{place.given}' because it does not exist."
                sink.error(
                    record(
                        call.command,
                        "GetAcl_PathNotFound_Exception",
                        Category.OBJECT_NOT_FOUND,
                        message,
                        exceptions=_ABSENT,
                        target=place.given,
                    )
                )
                continue
            kind = "Directory" if found.is_dir() else "File"
            owner = self._state.acl.owner(place.path)
            notes = {
                "Path": f"Microsoft.PowerShell.Core\\FileSystem::{place.path}",
                "Owner": owner,
                "Sddl": f"O:{owner}G:{owner}{self._state.acl.entries(place.path)}",
            }
            types = (
                f"System.Security.AccessControl.{kind}Security",
                "System.Security.AccessControl.FileSystemSecurity",
                "System.Object",
            )
            yield PlainObject(types, {}, notes, to_string=types[0])

    def new_item(self, call: BoundCall, sink: Sink) -> Iterator[object]:
        """New-Item -ItemType Directory, folders above it are made with it; or File, which must be new."""
        kind = str(call.parameters.get("ItemType") or "")
        if kind.lower() not in {"directory", "container", "file"} or call.parameters.get("Name"):
            raise CommandError(not_modelled(call.command, f"New-Item of type {kind or 'file'}"))
        given = call.parameters.get("Path")
        for text in given if isinstance(given, list) else [given]:
            place = self._paths.place(str(text), call.session.identity)
            if place.kind != "file":
                sink.error(drive_not_found(call.command, place.given))
                continue
            if kind.lower() == "file":
                yield from self._new_file(call, place.path, sink)
                continue
            if self._state.disk.locate(place.path) is not None and call.parameters.get("Force") is not True:
                sink.error(file_exists(call.command, "DirectoryExist", place.path))
                continue
            folder = self._made(place.path, call)
            yield file_object(self._state.disk, place.path, folder)

    def _new_file(self, call: BoundCall, path: str, sink: Sink) -> Iterator[object]:
        if call.parameters.get("Force") is True:
            raise CommandError(not_modelled(call.command, "-Force for a file"))
        try:
            # CreateNew, and UTF-8 without a mark, as the provider of Windows PowerShell 5.1 does.
            made = self._state.disk.create(path, str(call.parameters.get("Value") or "").encode())
        except OSError:
            sink.error(file_exists(call.command, "NewItemIOError", path))
            return
        identity = call.session.identity
        self._state.acl.made(path, ADMINISTRATORS if identity.admin else identity.sid)
        yield file_object(self._state.disk, path, made)

    def _made(self, path: str, call: BoundCall) -> Path:
        identity = call.session.identity
        parts = path.split("\\")
        for count in range(2, len(parts) + 1):
            part = "\\".join(parts[:count])
            if self._state.disk.locate(part) is None:
                place = self._state.disk.place(part)
                if place is None:
                    raise CommandError(not_modelled(call.command, "a folder in a file"))
                place.mkdir()
                self._state.acl.made(part, ADMINISTRATORS if identity.admin else identity.sid)
        found = self._state.disk.locate(path)
        if found is None:
            raise CommandError(not_modelled(call.command, "this path"))
        return found


if TYPE_CHECKING:
    from pathlib import Path


def register(registry: Registry, state: MachineState, paths: Paths) -> None:
    """Enters both cmdlets."""
    security = FileSecurityCommands(state, paths)
    registry.add("Get-Acl", security.get_acl)
    registry.add("New-Item", security.new_item)
