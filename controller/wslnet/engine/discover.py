"""Finds machines that no inventory names yet: distros by Windows, VMs by the machine that hosts them. Pure.

What is found here is what facts say; whether it answers is tried by whoever asked.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wslnet.model.machine import Inventory, Kind, Machine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wslnet.model.linux_facts import LinuxFacts
    from wslnet.model.windows_facts import Distro, WindowsFacts

WINDOWS_NEEDS = frozenset({"wsl"})
LINUX_NEEDS = frozenset({"identity", "links", "neighbours", "domains", "leases"})

_DOCKER = "docker-desktop"
_TAP_PREFIX = "fe"
_IPV4 = 4
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
    """VMs that run in `host` and stand not in the inventory; and in words, those that cannot be entered.

    libvirt names its own; a VM started otherwise is told by a tap with its MAC and a neighbour that has it.
    """
    known = {machine.address for machine in inventory.children(host)}
    taken = set(inventory.machines)
    found: list[Found] = []
    missing: list[str] = []
    leases = {lease.domain: lease for lease in facts.leases or ()}
    for domain in facts.domains or ():
        lease = leases.get(domain.name)
        if domain.name in {one.name for one in inventory.children(host)}:
            continue
        if not domain.running:
            missing.append(f"{domain.name} in {host} is shut off: start it and run init again")
        elif lease is None:
            missing.append(f"{domain.name} in {host} runs and libvirt has no address of it: add it by hand")
        elif lease.address not in known:
            known.add(lease.address)
            name = free_name(domain.name, host, taken)
            found.append(_vm(inventory, host, name, lease.address, f"VM {domain.name} of libvirt in {host}"))
    for address in _unnamed(facts, known | {lease.address for lease in leases.values()}):
        name = free_name(f"vm-{address.replace('.', '-')}", host, taken)
        found.append(_vm(inventory, host, name, address, f"a tap in {host} with the MAC of this neighbour"))
    return tuple(found), tuple(missing)


def _unnamed(facts: LinuxFacts, known: set[str | None]) -> Iterator[str]:
    taps = {
        link.mac[2:]
        for link in facts.links or ()
        if link.mac is not None and link.mac.startswith(_TAP_PREFIX) and link.master is not None
    }
    for one in facts.neighbours or ():
        if one.family == _IPV4 and one.mac is not None and one.mac[2:] in taps and one.address not in known:
            yield one.address


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
