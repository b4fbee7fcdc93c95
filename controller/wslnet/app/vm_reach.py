"""`wslnet vm reach`: routes to nested VMs, and lets them be forwarded by every machine on the way.

The same resources as in the nested part of `setup`, for the named VMs only: no mode is changed and nothing is
restarted. Windows is not read.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from wslnet.app.setup import Prepared
from wslnet.engine.gather import gather
from wslnet.engine.planner import make_plan
from wslnet.errors import InputError, PlanRefused, Unsupported
from wslnet.model.machine import Kind
from wslnet.model.topology import segment
from wslnet.profiles.modes import SetupOptions
from wslnet.profiles.nested import NEEDS, nested_resources
from wslnet.profiles.nested_rejects import without_rejects
from wslnet.profiles.persistence import with_kept

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from wslnet.engine.fleet import Fleet
    from wslnet.model.change import Resource
    from wslnet.model.machine import Inventory, Machine
    from wslnet.model.snapshot import Needs, Snapshot


def reach_of(inventory: Inventory, names: Collection[str]) -> Inventory:
    """The inventory with the wish that this stands for: each VM and every Linux machine above it, both ways.

    VMs of other branches count where the inventory itself wishes for the pair. Peers are left out: whether a
    VM finds its way out is not asked here.

    Raises:
        InputError: a name is no VM of the inventory below a Linux machine.
    """
    vms = [_vm(inventory, name) for name in names] if names else _all(inventory)
    pairs = tuple(
        pair
        for vm in vms
        for above in inventory.ancestors(vm.name)
        if above.is_linux
        for pair in ((above.name, vm.name), (vm.name, above.name))
    )
    mine = {vm.name for vm in vms}
    nested = {vm.name for vm in _all(inventory)}
    pairs += tuple(
        pair for pair in inventory.wish.reach if nested.issuperset(pair) and mine.intersection(pair)
    )
    machines = {name: one for name, one in inventory.machines.items() if one.kind is not Kind.PEER}
    wish = replace(inventory.wish, reach=tuple(dict.fromkeys(pairs)), allow=())
    return replace(inventory, machines=machines, wish=wish)


def prepare(
    fleet: Fleet, names: Collection[str], say: Callable[[str, str], None], *, deleting: bool = False
) -> Prepared:
    """Reads the machines on the way and plans. Changes nothing; no names mean all VMs.

    `deleting`: rejects of libvirt are taken out instead of accepts put above them.

    Raises:
        Unreachable: a machine on the way cannot be seen.
        PlanRefused: it is not known how a VM hangs on the machine above it, or an accept cannot win there.
    """
    inventory = fleet.inventory
    wanted = frozenset(names) or frozenset(vm.name for vm in _all(inventory))
    say("all", "reading the machines")
    snapshot = gather(fleet, _needs(inventory, wanted), say=say)
    for name, unseen in snapshot.unseen.items():
        if name not in wanted or inventory.children(name):
            raise unseen.error(name)
    for name in snapshot.facts:
        _demand_agent(snapshot, name)
    for name in sorted(wanted):
        if segment(snapshot, name) is None:
            raise PlanRefused(
                f"{name}: no link of {inventory[name].parent} has an address in its subnet "
                f"(inventory: {inventory[name].address or 'no address'})",
                machine=name,
            )

    def resources_of(seen: Snapshot) -> tuple[Resource, ...]:
        found = nested_resources(seen, wanted)
        return with_kept(seen, without_rejects(seen, found) if deleting else found)

    resources = resources_of(snapshot)
    return Prepared(fleet, SetupOptions(), snapshot, resources, make_plan(snapshot, resources), resources_of)


def _demand_agent(snapshot: Snapshot, name: str) -> None:
    """A machine with VMs that has no Python could be read and not be changed; a router forwards by itself.

    Raises:
        Unsupported: it has none; names the package.
    """
    facts = snapshot.linux(name)
    missing = (facts.errors or {}).get("firewall") if facts is not None else None
    without = facts is not None and facts.identity is not None and not facts.identity.python
    is_router = bool(snapshot.inventory[name].routes)
    if without and missing is not None and snapshot.inventory.children(name) and not is_router:
        raise Unsupported(missing.message, machine=name)


def _needs(inventory: Inventory, wanted: Collection[str]) -> Needs:
    ends = {*wanted, *(name for pair in inventory.wish.reach for name in pair)}
    on_the_way = {above.name for name in ends for above in inventory.ancestors(name) if above.is_linux}
    return {name: NEEDS for name in inventory.machines if name in on_the_way or name in ends}


def _all(inventory: Inventory) -> list[Machine]:
    return [vm for vm in inventory.of_kind(Kind.VM) if _has_linux_parent(inventory, vm)]


def _vm(inventory: Inventory, name: str) -> Machine:
    vm = inventory.machines.get(name)
    if vm is None or vm.kind is not Kind.VM or not _has_linux_parent(inventory, vm):
        known = ", ".join(one.name for one in _all(inventory)) or "none"
        raise InputError(f"{name!r} is no VM below a Linux machine; {inventory.path} has {known}")
    return vm


def _has_linux_parent(inventory: Inventory, vm: Machine) -> bool:
    return vm.parent is not None and inventory[vm.parent].is_linux
