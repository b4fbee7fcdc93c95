"""Which wires hang below a machine, which of them are not known, and whether a wish needs them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet.model.address_plan import network_of
from wslnet.model.machine import Kind
from wslnet.model.topology import segment

if TYPE_CHECKING:
    from wslnet.model.machine import Inventory, Machine
    from wslnet.model.snapshot import Snapshot
    from wslnet.model.topology import Segment


def routers(snapshot: Snapshot) -> tuple[Machine, ...]:
    """The Linux machines with VMs below them, parents before children."""
    inventory = snapshot.inventory
    with_children = [
        machine
        for machine in inventory.machines.values()
        if machine.kind in {Kind.WSL, Kind.VM} and inventory.children(machine.name)
    ]
    return tuple(sorted(with_children, key=lambda machine: inventory.depth(machine.name)))


def grandchildren(inventory: Inventory, machine: str) -> tuple[Machine, ...]:
    """The VMs below `machine` that do not hang on it directly."""
    return tuple(below for below in inventory.descendants(machine) if below.parent != machine)


def wires(snapshot: Snapshot, machine: str) -> tuple[Segment, ...]:
    """All known IPv4 wires below `machine`, its own first."""
    found = (segment(snapshot, below.name) for below in snapshot.inventory.descendants(machine))
    return tuple(wire for wire in found if wire is not None and network_of(wire.subnet) is not None)


def unknown_wires(snapshot: Snapshot, machine: str) -> tuple[str, ...]:
    """In words, the wires to grandchildren of `machine` whose parent's addresses were not seen."""
    return tuple(
        f"the subnet of {below.name}: {below.parent} was not seen or has no link towards it"
        for below in grandchildren(snapshot.inventory, machine)
        if segment(snapshot, below.name) is None
    )


def is_wished(inventory: Inventory, inner: str, border: str) -> bool:
    """Whether a wished pair needs packets between `inner` (or below) and what lies outside `border`.

    `border` is `inner` or above it; what lies between the two stays inside and needs nothing here.
    """
    return any(
        _within(inventory, one, inner) and not _within(inventory, other, border)
        for pair in inventory.wish.reach
        for one, other in (pair, pair[::-1])
    )


def _within(inventory: Inventory, name: str, top: str) -> bool:
    return name == top or inventory.is_below(name, top)
