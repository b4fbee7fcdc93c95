"""Get-Item, Get-ItemProperty, Get-ChildItem, Test-Path over files, registry keys and the environment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet_lab.host.commands.file_objects import file_object
from wslnet_lab.host.commands.paths import Paths, Place
from wslnet_lab.host.commands.provider_errors import (
    drive_not_found,
    key_refused,
    path_not_found,
    property_not_found,
)
from wslnet_lab.host.commands.registry_objects import (
    environment_entry,
    key_object,
    provider_path,
    values_object,
)
from wslnet_lab.host.contract import BoundCall, EnumValue, ErrorDetails, Identity, Sink
from wslnet_lab.host.engine.wildcards import matches

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wslnet_lab.host.engine import Registry
    from wslnet_lab.host.state import MachineState


class Items:
    """The bodies of these four cmdlets."""

    def __init__(self, state: MachineState, paths: Paths) -> None:
        self._state = state
        self._paths = paths

    def get_item(self, call: BoundCall, sink: Sink) -> Iterator[object]:
        """Get-Item."""
        for place in self._paths.places(call):
            item = self._item(place, call.session.identity)
            if item is None:
                sink.error(_missing(call.command, place))
            else:
                yield item

    def get_item_property(self, call: BoundCall, sink: Sink) -> Iterator[object]:
        """Get-ItemProperty: a key's values as one object; a file as Get-Item gives it."""
        wanted = call.parameters.get("Name")
        names = [str(name) for name in wanted] if isinstance(wanted, list) else []
        identity = call.session.identity
        for place in self._paths.places(call):
            if place.kind != "registry":
                item = self._item(place, identity)
                if item is None:
                    sink.error(_missing(call.command, place))
                else:
                    yield item
                continue
            if _belongs_to_another(place.path, identity):
                sink.error(key_refused(call.command, place.given))
                continue
            if self._state.registry.key(place.path, identity.sid) is None:
                sink.error(path_not_found(call.command, place.given))
                continue
            values = self._state.registry.values(place.path, identity.sid)
            chosen = dict(values)
            if names:
                chosen = {}
                for name in names:
                    found = {known: value for known, value in values.items() if matches(name, known)}
                    if not found:
                        shown = self._shown(place, identity)
                        sink.error(property_not_found(call.command, name, shown))
                    chosen |= found
            if chosen:
                yield values_object(self._shown(place, identity), place.given, chosen)

    def get_child_item(self, call: BoundCall, sink: Sink) -> Iterator[object]:
        """Get-ChildItem of a folder, a key or `Env:`; not recursive."""
        identity = call.session.identity
        for place in self._paths.places(call):
            if place.kind == "environment" and not place.path:
                for name, value in sorted(self._paths.environment(identity).items()):
                    yield environment_entry(name, value)
            elif place.kind == "registry" and self._state.registry.key(place.path, identity.sid) is not None:
                for name in self._state.registry.subkeys(place.path, identity.sid):
                    child = Place("registry", rf"{place.path}\{name}", rf"{place.given}\{name}")
                    yield self._item(child, identity)
            elif place.kind == "file" and (root := self._state.disk.locate(place.path)) is not None:
                entries = sorted(root.iterdir()) if root.is_dir() else [root]
                for entry in entries:
                    yield file_object(self._state.disk, self._state.disk.spelled(entry), entry)
            else:
                sink.error(_missing(call.command, place))

    def test_path(self, call: BoundCall, sink: Sink) -> Iterator[object]:
        """Test-Path, with PathType."""
        del sink
        kind = call.parameters.get("PathType")
        wanted = kind.name if isinstance(kind, EnumValue) else "Any"
        places = self._paths.places(call)
        if not places:
            yield False
        for place in places:
            yield self._exists(place, call.session.identity, wanted)

    def _exists(self, place: Place, identity: Identity, wanted: str) -> bool:
        if place.kind == "file":
            found = self._state.disk.locate(place.path)
            return found is not None and (wanted == "Any" or found.is_dir() == (wanted == "Container"))
        if place.kind == "registry":
            return wanted != "Leaf" and self._state.registry.key(place.path, identity.sid) is not None
        return (
            place.kind == "environment"
            and wanted != "Container"
            and self._variable(place, identity) is not None
        )

    def _item(self, place: Place, identity: Identity) -> object | None:
        if place.kind == "file":
            found = self._state.disk.locate(place.path, follow=False)
            return file_object(self._state.disk, place.path, found) if found is not None else None
        if place.kind == "registry":
            if self._state.registry.key(place.path, identity.sid) is None:
                return None
            values = self._state.registry.values(place.path, identity.sid)
            below = self._state.registry.subkeys(place.path, identity.sid)
            return key_object(self._shown(place, identity), place.given, values, below)
        entry = self._variable(place, identity) if place.kind == "environment" else None
        return environment_entry(*entry) if entry is not None else None

    def _variable(self, place: Place, identity: Identity) -> tuple[str, str] | None:
        variables = self._paths.environment(identity)
        found = next((name for name in variables if name.lower() == place.path.lower()), None)
        return (found, variables[found]) if found is not None else None

    def _shown(self, place: Place, identity: Identity) -> str:
        return provider_path(place.path, self._state.registry.key(place.path, identity.sid) or place.path)


def register(registry: Registry, state: MachineState, paths: Paths) -> None:
    """Enters the four cmdlets."""
    items = Items(state, paths)
    registry.add("Get-Item", items.get_item)
    registry.add("Get-ItemProperty", items.get_item_property)
    registry.add("Get-ChildItem", items.get_child_item)
    registry.add("Test-Path", items.test_path)


def _belongs_to_another(path: str, identity: Identity) -> bool:
    """Whether a key lies in another account's hive, which only administrators and SYSTEM may open."""
    parts = path.split("\\")
    if identity.admin or identity.system or parts[0] != "HKEY_USERS" or len(parts) == 1:
        return False
    return parts[1].upper() not in {".DEFAULT", identity.sid.upper()}


def _missing(command: str, place: Place) -> ErrorDetails:
    if place.kind == "unknown":
        return drive_not_found(command, place.given)
    return path_not_found(command, place.path if place.kind == "file" else place.given)
