"""`wslnet vm forget`, the reverse of `vm enroll`: key out of the VM, host key unpinned, table gone.

Our key is taken out by a way of its host, as it was put in (`app.guest_entry`); where none leads in, it
stays, and the user is told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet.app.guest_entry import enter
from wslnet.app.inventory_edit import read_text, without_machine, write_text
from wslnet.app.setup import Prepared
from wslnet.engine.gather import gather
from wslnet.engine.planner import make_plan
from wslnet.errors import InputError, PlanRefused
from wslnet.model.machine import Kind
from wslnet.model.nested_vms import NEEDS, nested_vms
from wslnet.profiles.modes import SetupOptions
from wslnet.resources.guest_key import GuestKey
from wslnet.transport.connections import PINS_FILE
from wslnet.transport.pins import Pins

if TYPE_CHECKING:
    from wslnet.app.guest_entry import Password
    from wslnet.engine.fleet import Fleet
    from wslnet.model.guest_entry import Way
    from wslnet.model.machine import Inventory, Machine


def vm_to_forget(inventory: Inventory, name: str) -> Machine:
    """The VM of that name, if nothing in the inventory hangs on it.

    Raises:
        InputError: it is no VM, or others are entered through it.
    """
    machine = inventory.machines.get(name)
    if machine is None or machine.kind is not Kind.VM:
        known = ", ".join(one.name for one in inventory.of_kind(Kind.VM)) or "none"
        raise InputError(f"{name!r} is no VM of {inventory.path}; it has {known}")
    below = ", ".join(one.name for one in inventory.children(name))
    if below:
        raise InputError(f"{below} can only be entered through {name}: forget that first", machine=name)
    return machine


def prepare(
    fleet: Fleet, machine: Machine, key: str | None, via: Way | None, password: Password
) -> tuple[Prepared, str | None]:
    """The plan that takes our key out, and why it is empty when the key must stay.

    `fleet` speaks to the host and what is above it; `key` is `TYPE BASE64`, None when there is none to take.
    """
    host = machine.parent or ""
    snapshot = gather(fleet, {host: NEEDS})
    resources: tuple[GuestKey, ...] = ()
    note: str | None = None
    facts = snapshot.linux(host)
    vms = nested_vms(fleet.inventory, host, facts) if facts is not None else ()
    # It is not in this inventory: the address tells it, else the name.
    known = [vm for vm in vms if machine.address in dict(vm.addresses)] or [
        vm for vm in vms if vm.domain == machine.name
    ]
    domain = next((vm.domain for vm in known if vm.domain is not None), None)
    plan = make_plan(snapshot, ())
    if facts is None:
        note = snapshot.unseen[host].reason
    elif domain is None:
        note = f"{host} runs no domain of that name or address"
    elif key is not None:
        user, why = machine.user or "root", f"{machine.name} is forgotten"
        try:
            entered = enter(fleet, machine, domain, via, password)
            resources = (GuestKey(host, domain, user, key, why, present=False, entry=entered.entry),)
            fleet, snapshot = entered.fleet, entered.snapshot
            plan = make_plan(snapshot, resources)
        except PlanRefused as error:
            note, resources = error.message, ()
    return Prepared(fleet, SetupOptions(), snapshot, resources, plan, lambda _: resources), note


def settle(inventory: Inventory, machine: Machine) -> None:
    """Takes the machine out of the inventory and its host key out of the pinned ones.

    Raises:
        InputError: the file cannot be edited or written; nothing was changed.
    """
    write_text(inventory.path, without_machine(read_text(inventory.path), machine.name))
    Pins(inventory.state / PINS_FILE).forget(machine.name)
