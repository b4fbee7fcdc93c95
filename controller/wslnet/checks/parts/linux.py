"""Which machines of an inventory run Linux and are wslnet's to look after."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet.model.machine import Kind

if TYPE_CHECKING:
    from wslnet.model.machine import Machine
    from wslnet.model.snapshot import Snapshot


def linux_machines(snapshot: Snapshot) -> tuple[Machine, ...]:
    """WSL and the VMs, parents first; a peer is never looked into."""
    inventory = snapshot.inventory
    found = [one for one in inventory.machines.values() if one.kind in {Kind.WSL, Kind.VM}]
    return tuple(sorted(found, key=lambda one: inventory.depth(one.name)))
