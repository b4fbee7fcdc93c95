"""`wslnet vm pin`: VMs keep the address they have: libvirt's DHCP is told to keep it for their cards.

Routes to what lies behind a VM go by way of its address, so a lease that changes breaks them (note 000).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from wslnet.app.setup import Prepared
from wslnet.app.vm_list import hosts_of
from wslnet.engine.gather import gather
from wslnet.engine.planner import make_plan
from wslnet.engine.unseen import demand_seen
from wslnet.errors import InputError
from wslnet.model.machine import Kind, Wish
from wslnet.model.nested_vms import NEEDS, NestedVm, nested_vms
from wslnet.profiles.modes import SetupOptions
from wslnet.resources.lease_pin import LeasePin

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from wslnet.engine.fleet import Fleet
    from wslnet.model.machine import Inventory
    from wslnet.model.snapshot import Snapshot

PIN_NEEDS = NEEDS | {"networks"}


def without_wish(inventory: Inventory, names: Collection[str]) -> Inventory:
    """The inventory without peers and wishes: a pin moves no packet, so nothing is to be proven by any.

    Raises:
        InputError: a name is no VM of it.
    """
    for name in names:
        if name not in inventory.machines or inventory[name].kind is not Kind.VM:
            known = ", ".join(one.name for one in inventory.of_kind(Kind.VM)) or "none"
            raise InputError(f"{name!r} is no VM of {inventory.path}; it has {known}")
    machines = {name: one for name, one in inventory.machines.items() if one.kind is not Kind.PEER}
    return replace(inventory, machines=machines, wish=Wish())


def prepare(fleet: Fleet, names: Collection[str], say: Callable[[str, str], None]) -> Prepared:
    """Reads the machines that run the VMs (all VMs without names) and plans. Changes nothing.

    Raises:
        Unreachable: a machine that runs one of them cannot be seen.
        InputError: libvirt does not know a named VM, or leased it no address.
    """
    inventory = fleet.inventory
    wanted = set(names) or {one.name for one in inventory.of_kind(Kind.VM)}
    hosts = {inventory[name].parent or "" for name in wanted}
    say("all", "reading the machines")
    snapshot = gather(fleet, {name: PIN_NEEDS for name in hosts_of(inventory) if name in hosts}, say=say)
    demand_seen(snapshot)
    resources = tuple(_pins(snapshot, wanted, named=bool(names)))
    plan = make_plan(snapshot, resources)
    return Prepared(fleet, SetupOptions(), snapshot, resources, plan, lambda _: resources)


def _pins(snapshot: Snapshot, wanted: Collection[str], *, named: bool) -> Iterator[LeasePin]:
    vms = {
        vm.name: vm
        for host in snapshot.facts
        if (facts := snapshot.linux(host)) is not None
        for vm in nested_vms(snapshot.inventory, host, facts)
        if vm.name is not None
    }
    for name in sorted(wanted):
        vm = vms.get(name)
        pin = _pin(snapshot, vm) if vm is not None else None
        if pin is not None:
            yield pin
        elif named:
            host = snapshot.inventory[name].parent
            raise InputError(f"{name}: libvirt in {host} has leased it no address", machine=host)


def _pin(snapshot: Snapshot, vm: NestedVm) -> LeasePin | None:
    facts = snapshot.linux(vm.host)
    guests = (facts.guests if facts is not None else None) or ()
    guest = next((one for one in guests if one.domain == vm.domain), None)
    if guest is None:
        return None
    for nic in guest.nics:
        for one in guest.addresses:
            leased = one.source == "lease" and one.mac == nic.mac and nic.kind == "network"
            if leased and one.address == vm.address:
                why = f"so that routes by way of {vm.name} stay right"
                return LeasePin(vm.host, nic.source, nic.mac, one.address, why)
    return None
