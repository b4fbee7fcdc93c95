"""Set-ItemProperty and Remove-ItemProperty over keys of the registry that are there; files have none here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet_lab.host.commands.provider_errors import (
    key_refused,
    not_modelled,
    path_not_found,
    property_not_found,
)
from wslnet_lab.host.contract import CommandError
from wslnet_lab.host.state.registry import value_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wslnet_lab.host.commands.paths import Paths, Place
    from wslnet_lab.host.contract import BoundCall, ErrorDetails, Identity, Sink
    from wslnet_lab.host.engine import Registry
    from wslnet_lab.host.state import MachineState


class ItemValues:
    """The bodies of both cmdlets."""

    def __init__(self, state: MachineState, paths: Paths) -> None:
        self._state = state
        self._paths = paths

    def set(self, call: BoundCall, sink: Sink) -> Iterator[object]:
        """Set-ItemProperty by Name and Value."""
        identity = call.session.identity
        if "Name" not in call.parameters:
            raise CommandError(not_modelled(call.command, "-InputObject"))
        for place in self._paths.places(call):
            refused = self._refused(call.command, place, identity)
            if refused is not None:
                sink.error(refused)
                continue
            value = value_of(call.parameters.get("Value"))
            self._state.registry.set(place.path, str(call.parameters["Name"]), value, identity.sid)
        yield from ()

    def remove(self, call: BoundCall, sink: Sink) -> Iterator[object]:
        """Remove-ItemProperty."""
        identity = call.session.identity
        names = call.parameters["Name"]
        for place in self._paths.places(call):
            refused = self._refused(call.command, place, identity)
            if refused is not None:
                sink.error(refused)
                continue
            for name in names if isinstance(names, list) else [names]:
                if not self._state.registry.delete(place.path, str(name), identity.sid):
                    sink.error(property_not_found(call.command, str(name), place.path))
        yield from ()

    def _refused(self, command: str, place: Place, identity: Identity) -> ErrorDetails | None:
        if place.kind != "registry":
            raise CommandError(not_modelled(command, f"{place.kind} items"))
        if self._state.registry.key(place.path, identity.sid) is None:
            return path_not_found(command, place.given)
        is_own = place.path.upper().startswith(("HKEY_CURRENT_USER", f"HKEY_USERS\\{identity.sid}".upper()))
        allowed = identity.admin or identity.system or is_own
        return None if allowed else key_refused(command, place.given)


def register(registry: Registry, state: MachineState, paths: Paths) -> None:
    """Enters both cmdlets."""
    values = ItemValues(state, paths)
    registry.add("Set-ItemProperty", values.set)
    registry.add("Remove-ItemProperty", values.remove)
