"""`wslnet vm list`: the VMs that run in any Linux machine of the tree, and which of them the inventory has.

Looks only; nothing is started, entered or pinned.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from wslnet.engine.gather import gather
from wslnet.model.machine import Kind
from wslnet.model.nested_vms import NEEDS, NestedVm, nested_vms

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from wslnet.engine.fleet import Fleet
    from wslnet.model.machine import Inventory
    from wslnet.model.snapshot import Snapshot

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class VmList:
    """What was found, machine by machine; `unseen` says why a machine could not be looked into."""

    vms: tuple[NestedVm, ...] = ()
    unseen: dict[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, object]:
        """The document of `vm list --json`."""
        return {
            "schema_version": SCHEMA_VERSION,
            "vms": [_row(vm) for vm in self.vms],
            "unseen": self.unseen,
        }


def _row(vm: NestedVm) -> dict[str, object]:
    return {
        "host": vm.host,
        "domain": vm.domain,
        "state": vm.state,
        "machine": vm.name,
        "address": vm.address,
        "inventory_address": vm.listed,
        "moved": vm.moved,
        "addresses": [{"address": address, "sources": list(sources)} for address, sources in vm.addresses],
        "nics": [
            {"mac": port.mac, "tap": port.tap, "tap_mac": port.tap_mac, "bridge": port.bridge}
            for port in vm.ports
        ],
        "guest_agent": vm.agent,
    }


def list_vms(fleet: Fleet, hosts: Collection[str], say: Callable[[str, str], None]) -> VmList:
    """The VMs of these machines, of all Linux machines without any."""
    # As the file has it: a VM that has moved is corrected in the fleet's own when it is entered.
    inventory = fleet.inventory
    needs = dict.fromkeys(hosts or hosts_of(inventory), NEEDS)
    return listed(replace(gather(fleet, needs, say=say), inventory=inventory))


def listed(snapshot: Snapshot) -> VmList:
    """The VMs of every machine that was seen."""
    found = [
        vm
        for name in snapshot.facts
        if (facts := snapshot.linux(name)) is not None
        for vm in nested_vms(snapshot.inventory, name, facts)
    ]
    return VmList(tuple(found), {name: unseen.reason for name, unseen in snapshot.unseen.items()})


def hosts_of(inventory: Inventory) -> tuple[str, ...]:
    """The machines that may run VMs: WSL and the VMs themselves."""
    return tuple(one.name for one in inventory.machines.values() if one.kind in {Kind.WSL, Kind.VM})
