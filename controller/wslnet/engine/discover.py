"""Finds machines that no inventory names yet: distros by Windows, VMs by the machine that hosts them. Pure.

What is found here is what facts say; whether it answers is tried by whoever asked.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wslnet.model.machine import Inventory, Kind, Machine
from wslnet.model.nested_vms import NEEDS as NESTED_NEEDS
from wslnet.model.nested_vms import RUNNING, nested_vms

if TYPE_CHECKING:
    from wslnet.model.linux_facts import LinuxFacts
    from wslnet.model.nested_vms import NestedVm
    from wslnet.model.windows_facts import WindowsFacts
    from wslnet.model.windows_wsl import Distro

WINDOWS_NEEDS = frozenset({"wsl"})
LINUX_NEEDS = NESTED_NEEDS

_DOCKER = "docker-desktop"
_LONGEST = 63


@dataclass(frozen=True, slots=True)
class Found:
    """A machine that was found, and how."""

    machine: Machine
    how: str


def distro_of(windows: WindowsFacts) -> Distro | None:
    """The distro to look into: of WSL 2, the default first, a running one before others, never Docker's."""
    distros = windows.wsl.distros if windows.wsl is not None else ()
    usable = [one for one in distros if one.version > 1 and not one.name.casefold().startswith(_DOCKER)]
    return min(usable, key=lambda one: (one.state != "Running", not one.default), default=None)


def vms_in(inventory: Inventory, host: str, facts: LinuxFacts) -> tuple[tuple[Found, ...], tuple[str, ...]]:
    """VMs of `host` that stand not in the inventory; and in words, those that cannot be entered."""
    known = {machine.address for machine in inventory.children(host)}
    taken = set(inventory.machines)
    found: list[Found] = []
    missing: list[str] = []
    for vm in nested_vms(inventory, host, facts):
        address = vm.address
        if vm.name is not None or address in known - {None}:
            continue
        if vm.state != RUNNING:
            missing.append(f"{vm.domain} in {host} is {vm.state}: start it and run init again")
        elif address is None:
            missing.append(f"{vm.domain} in {host} runs and nobody knows its address: add it by hand")
        else:
            known.add(address)
            name = free_name(vm.domain or f"vm-{address.replace('.', '-')}", host, taken)
            found.append(_vm(inventory, host, name, address, _how(vm)))
    return tuple(found), tuple(missing)


def _how(vm: NestedVm) -> str:
    if vm.domain is None:
        return f"a tap in {vm.host} with the MAC of this neighbour"
    return f"VM {vm.domain} of libvirt in {vm.host}"


def _vm(inventory: Inventory, host: str, name: str, address: str, how: str) -> Found:
    """A VM is entered as its host is, until somebody says otherwise."""
    above = inventory[host]
    machine = Machine(name, Kind.VM, parent=host, address=address, user=above.user, key=above.key)
    return Found(machine, how)


def free_name(wanted: str, host: str, taken: set[str]) -> str:
    """A name that an inventory may hold and that is free: two hosts may both have a VM `debian`."""
    plain = re.sub(r"[^A-Za-z0-9_-]", "-", wanted)[:_LONGEST].lstrip("-_0123456789") or "vm"
    for name in (plain, f"{host}-{plain}"[:_LONGEST]):
        if name not in taken:
            taken.add(name)
            return name
    number = 2
    while f"{plain}-{number}" in taken:
        number += 1
    taken.add(f"{plain}-{number}")
    return f"{plain}-{number}"
