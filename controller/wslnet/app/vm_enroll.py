"""`wslnet vm enroll`: puts our key into a nested VM and pins its host key, by a way that its host trusts.

The machine that runs the VM enters it (`app.guest_entry`): whom we let in and whom we trust is decided there.
The inventory is written, and the login tried, when the key is in place.
"""

from __future__ import annotations

import base64
import binascii
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from wslnet.app.guest_entry import enter
from wslnet.app.inventory_edit import read_text, with_value, write_text
from wslnet.app.inventory_text import extended
from wslnet.app.setup import Prepared
from wslnet.app.vm_list import hosts_of, listed
from wslnet.engine.discover import free_name
from wslnet.engine.gather import gather
from wslnet.engine.planner import make_plan
from wslnet.errors import (
    AuthenticationFailed,
    HostKeyMismatch,
    InputError,
    PlanRefused,
    Unreachable,
    Unsupported,
    WslnetError,
)
from wslnet.model.change import Op
from wslnet.model.machine import Inventory, Kind, Machine, Wish
from wslnet.model.nested_vms import NEEDS
from wslnet.profiles.modes import SetupOptions
from wslnet.resources.guest_key import GuestKey
from wslnet.transport.connections import PINS_FILE
from wslnet.transport.pins import HostKey, Pins

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path

    from wslnet.app.guest_entry import Password
    from wslnet.engine.fleet import Fleet
    from wslnet.model.change import OpResult
    from wslnet.model.guest_entry import GuestEntry, Way
    from wslnet.model.guest_facts import GuestKeys
    from wslnet.model.machine import Secret
    from wslnet.model.nested_vms import NestedVm

    Entered = AbstractContextManager[Fleet]

_LOGIN_S = 60.0
_STARTING_S = 60.0
_AGAIN_S = 2.0


@dataclass(frozen=True)
class Enrolment:
    """What will be: the machine as the inventory shall have it, its host key, and the plan for our key.

    `entry` is how its host got in.
    """

    machine: Machine
    vm: NestedVm
    host_key: HostKey
    prepared: Prepared
    entry: GuestEntry


@dataclass(frozen=True)
class Wanted:
    """What was asked for: the VM, and how it shall be entered where its host does not say it.

    `via`: by which way the host enters it first; `secret`: where its password comes from.
    """

    vm: str
    name: str | None = None
    user: str | None = None
    key: Path | None = None
    via: Way | None = None
    secret: Secret | None = None


def host_part(inventory: Inventory, host: str) -> Inventory:
    """The inventory with one machine and all above it only: whatever else there is, is not touched here."""
    names = {host, *(above.name for above in inventory.ancestors(host))}
    machines = {name: one for name, one in inventory.machines.items() if name in names}
    return replace(inventory, machines=machines, wish=Wish())


def find_vm(fleet: Fleet, wanted: str, say: Callable[[str, str], None]) -> NestedVm:
    """The one running VM that `NAME` or `HOST/NAME` means: by its domain's name, or by the inventory's.

    Raises:
        InputError: there is none, or more than one.
        Unreachable: the machine that runs it cannot be seen.
    """
    inventory = fleet.inventory
    host, _, name = wanted.rpartition("/")
    machine = inventory.machines.get(name)
    if not host and machine is not None and machine.kind is Kind.VM:
        host = machine.parent or ""
    if host and host not in hosts_of(inventory):
        raise InputError(f"{host!r} is no machine that runs VMs; {inventory.path} has {_names(inventory)}")
    snapshot = gather(fleet, dict.fromkeys([host] if host else hosts_of(inventory), NEEDS), say=say)
    if host and host in snapshot.unseen:
        raise snapshot.unseen[host].error(host)
    every = listed(snapshot)
    found = [vm for vm in every.vms if vm.domain is not None and name in {vm.name, vm.domain}]
    if len(found) == 1:
        return found[0]
    if found:
        raise InputError(
            f"{name!r} is the name of several: {', '.join(f'{vm.host}/{vm.domain}' for vm in found)}"
        )
    known = ", ".join(f"{vm.host}/{vm.domain}" for vm in every.vms if vm.domain is not None) or "none"
    unseen = f"; not seen: {', '.join(every.unseen)}" if every.unseen else ""
    raise InputError(f"no VM {name!r} was found; there is {known}{unseen}")


def _names(inventory: Inventory) -> str:
    return ", ".join(hosts_of(inventory)) or "none"


def prepare(
    fleet: Fleet,
    inventory: Inventory,
    vm: NestedVm,
    wanted: Wanted,
    *,
    public_key: Callable[[Machine], str],
    password: Password,
) -> Enrolment:
    """Reads the guest's keys and plans. `fleet` speaks to the host and what is above it.

    Args:
        fleet: of `host_part`.
        inventory: the whole inventory, to be extended.
        vm: what `find_vm` found.
        wanted: what was asked for.
        public_key: gives `TYPE BASE64` of the key that the machine is entered with.
        password: gives that of its console, if it comes to that.

    Raises:
        InputError: it has no address, or no key to enter it with is known.
        PlanRefused: its host cannot enter it, or finds no host key there.
    """
    if vm.address is None or vm.domain is None:
        raise InputError(f"{vm.host}/{vm.domain}: no address of it is known; is it still starting?")
    machine = _machine(inventory, vm, wanted)
    key, why = public_key(machine), f"so that {machine.name} can be entered"
    entered = enter(fleet, machine, vm.domain, wanted.via, password)
    user = machine.user or "root"
    resources = (GuestKey(vm.host, vm.domain, user, key, why, entry=entered.entry),)
    plan = make_plan(entered.snapshot, resources)
    prepared = Prepared(entered.fleet, SetupOptions(), entered.snapshot, resources, plan, lambda _: resources)
    return Enrolment(machine, vm, _host_key(vm, entered.keys), prepared, entered.entry)


def _machine(inventory: Inventory, vm: NestedVm, wanted: Wanted) -> Machine:
    """The entry that the inventory has, at the address of now, or a new one, entered as its host is."""
    if vm.name is not None:
        there = inventory[vm.name]
        secret = wanted.secret or there.secret
        user, key = wanted.user or there.user, wanted.key or there.key
        return replace(there, address=vm.address, user=user, key=key, secret=secret)
    above = inventory[vm.host]
    name = wanted.name or free_name(vm.domain or "vm", vm.host, set(inventory.machines))
    if name in inventory.machines:
        raise InputError(f"the name {name!r} is taken in {inventory.path}")
    user = wanted.user or above.user or "root"
    key = wanted.key or above.key
    return Machine(name, Kind.VM, vm.host, vm.address, user=user, key=key, secret=wanted.secret)


def _host_key(vm: NestedVm, keys: GuestKeys) -> HostKey:
    for line in keys.host_keys:
        words = line.split()
        try:
            return HostKey(words[0], base64.b64decode(words[1], validate=True))
        except (IndexError, binascii.Error):
            continue
    raise PlanRefused(
        f"{vm.host}/{vm.domain}: there is no host key of an SSH server in it", machine=vm.host,
        hint="install openssh-server in it",
    )  # fmt: skip


def settle(
    enrolment: Enrolment, inventory: Inventory, open_fleet: Callable[[Inventory], Entered]
) -> tuple[bool, str | None]:
    """Pins the host key, writes the inventory and logs in; gives whether the file changed, and what to know.

    Raises:
        InputError: the inventory cannot be written.
        HostKeyMismatch: another key is pinned for the machine.
        Unreachable: it cannot be entered with what is in place now; pin and inventory are as they were.
    """
    machine, pins = enrolment.machine, Pins(inventory.state / PINS_FILE)
    old = read_text(inventory.path)
    had_pin = pins.get(machine.name) is not None
    pins.pin(machine.name, enrolment.host_key)
    try:
        new = _written(old, inventory, enrolment)
        full = replace(inventory, machines={**inventory.machines, machine.name: machine}, wish=Wish())
        with open_fleet(full) as fleet:
            note = _enter(fleet, machine.name)
        if new != old:
            write_text(inventory.path, new)
    except WslnetError:
        if not had_pin:
            pins.forget(machine.name)
        raise
    return new != old, note


def _written(text: str, inventory: Inventory, enrolment: Enrolment) -> str:
    machine = enrolment.machine
    there = inventory.machines.get(machine.name)
    if there is None:
        how = f"VM {enrolment.vm.domain} of libvirt in {machine.parent}"
        return extended(text, [machine], {machine.name: f"Enrolled: {how}."})
    for key in ("address", "user", "key"):
        value = getattr(machine, key)
        if value is not None and value != getattr(there, key):
            text = with_value(text, machine.name, key, str(value))
    return text


def _enter(fleet: Fleet, name: str) -> str | None:
    """Logs in and reads who it is; a machine without Python is entered all the same, and told."""
    deadline = time.monotonic() + _STARTING_S
    while True:
        try:
            (result,) = fleet.execute(name, [Op("facts", {"needs": ["identity"]})], deadline_s=_LOGIN_S)
        except Unsupported as error:
            return error.message
        except (AuthenticationFailed, HostKeyMismatch):
            raise
        except Unreachable:
            # The guest agent answers long before sshd does while a VM starts.
            if time.monotonic() >= deadline:
                raise
            time.sleep(_AGAIN_S)
        else:
            return _shortcoming(result) if result.ok else result.message


def _shortcoming(result: OpResult) -> str | None:
    identity = result.value.get("identity") if isinstance(result.value, dict) else None
    with_python = isinstance(identity, dict) and identity.get("python")
    return None if with_python else "there is no python3 on it, install it there"
