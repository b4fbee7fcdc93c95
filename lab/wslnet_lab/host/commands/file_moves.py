"""Move-Item, Copy-Item, Remove-Item over files.

Move-Item -Force is delete and then move, not atomic (windows-facts 11): with the fault `move-item-half-done`
it stops between the two.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from wslnet_lab.host.commands.file_objects import file_object
from wslnet_lab.host.commands.paths import Paths, Place, switch
from wslnet_lab.host.commands.provider_errors import (
    drive_not_found,
    file_exists,
    not_modelled,
    path_not_found,
    used_by_another,
)
from wslnet_lab.host.contract import BoundCall, Category, CommandError, ErrorDetails, Sink
from wslnet_lab.host.state.disk import SharingViolation

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from wslnet_lab.host.engine import Registry
    from wslnet_lab.host.state import MachineState

HALF_DONE = "move-item-half-done"
_LOCKED_IDS = {
    "Move-Item": "MoveFileInfoItemIOError",
    "Copy-Item": "CopyFileInfoItemIOError",
    "Remove-Item": "RemoveFileSystemItemIOError",
}


class FileMoves:
    """The bodies of these three cmdlets."""

    def __init__(self, state: MachineState, paths: Paths) -> None:
        self._state = state
        self._paths = paths

    def move(self, call: BoundCall, sink: Sink) -> Iterator[object]:
        """Move-Item; an existing destination only with Force, which deletes it first."""
        for source, target in self._pairs(call, sink):
            if self._taken(target) is not None and not switch(call, "Force"):
                sink.error(file_exists(call.command, _LOCKED_IDS[call.command], source.path))
                continue
            try:
                place = self._open(source.path)
                taken = self._taken(target)
                if taken is not None:
                    self._state.disk.check_lock(target)
                    taken.unlink()
                    if HALF_DONE in self._state.faults():
                        sink.error(self._locked(call.command, source.path))
                        continue
                place.rename(self._destination(target))
            except (SharingViolation, FileNotFoundError) as error:
                sink.error(self._failed(call.command, error, source.path, target))
                continue
            yield from self._passed_on(call, target)

    def copy(self, call: BoundCall, sink: Sink) -> Iterator[object]:
        """Copy-Item of a file; an existing destination is overwritten."""
        for source, target in self._pairs(call, sink):
            try:
                content = self._state.disk.read(source.path)
                self._state.disk.write(target, content)
            except (SharingViolation, FileNotFoundError) as error:
                sink.error(self._failed(call.command, error, source.path, target))
                continue
            yield from self._passed_on(call, target)

    def remove(self, call: BoundCall, sink: Sink) -> Iterator[object]:
        """Remove-Item; a folder that is not empty only with Recurse."""
        for place in self._files(call, sink):
            found = self._state.disk.locate(place.path, follow=False)
            if found is None:
                sink.error(path_not_found(call.command, place.path))
                continue
            if found.is_dir() and not found.is_symlink():
                if any(found.iterdir()) and not switch(call, "Recurse"):
                    # A real one asks here, and without a host that is an error.
                    raise CommandError(not_modelled(call.command, "a prompt for a folder with content"))
                if call.parameters.get("WhatIf") is not True:
                    shutil.rmtree(found)
                continue
            try:
                self._state.disk.check_lock(place.path)
            except SharingViolation:
                sink.error(self._locked(call.command, place.path))
                continue
            if call.parameters.get("WhatIf") is not True:
                found.unlink()
        yield from ()

    def _pairs(self, call: BoundCall, sink: Sink) -> Iterator[tuple[Place, str]]:
        given = self._paths.place(str(call.parameters.get("Destination") or ""), call.session.identity)
        for source in self._files(call, sink):
            if given.kind != "file":
                sink.error(drive_not_found(call.command, given.given))
                continue
            found = self._state.disk.locate(source.path, follow=False)
            if found is None:
                sink.error(path_not_found(call.command, source.path))
                continue
            if found.is_dir() and not found.is_symlink():
                raise CommandError(not_modelled(call.command, "whole folders"))
            folder = self._state.disk.locate(given.path)
            inside = folder is not None and folder.is_dir()
            target = f"{given.path}\\{found.name}" if inside else given.path
            if call.parameters.get("WhatIf") is not True:
                yield source, target

    def _files(self, call: BoundCall, sink: Sink) -> Iterator[Place]:
        for name in ("Filter", "Include", "Exclude", "Stream", "FromSession", "ToSession"):
            if call.parameters.get(name):
                raise CommandError(not_modelled(call.command, f"-{name}"))
        for place in self._paths.places(call):
            if place.kind == "file":
                yield place
            elif place.kind == "unknown":
                sink.error(drive_not_found(call.command, place.given))
            else:
                raise CommandError(not_modelled(call.command, f"the {place.kind} provider"))

    def _open(self, path: str) -> Path:
        self._state.disk.check_lock(path)
        place = self._state.disk.locate(path, follow=False)
        if place is None:
            raise FileNotFoundError(2, "not found", path)
        return place

    def _taken(self, path: str) -> Path | None:
        return self._state.disk.locate(path, follow=False)

    def _destination(self, path: str) -> Path:
        place = self._state.disk.place(path)
        if place is None:
            raise FileNotFoundError(3, "no such folder", path)
        return place

    def _failed(self, command: str, error: OSError, source: str, target: str) -> ErrorDetails:
        if isinstance(error, SharingViolation):
            return self._locked(command, str(error.filename or source))
        return path_not_found(command, str(error.filename or target))

    def _locked(self, command: str, path: str) -> ErrorDetails:
        return used_by_another(command, _LOCKED_IDS[command], Category.WRITE_ERROR, path)

    def _passed_on(self, call: BoundCall, path: str) -> Iterator[object]:
        place = self._state.disk.locate(path, follow=False)
        if switch(call, "PassThru") and place is not None:
            yield file_object(self._state.disk, path, place)


def register(registry: Registry, state: MachineState, paths: Paths) -> None:
    """Enters the three cmdlets."""
    moves = FileMoves(state, paths)
    registry.add("Move-Item", moves.move)
    registry.add("Copy-Item", moves.copy)
    registry.add("Remove-Item", moves.remove)
