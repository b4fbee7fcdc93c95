"""Which VMs run in a machine, put together from everything that knows of them. Pure.

libvirt's domains come first; a VM that it does not know is told by a tap and a neighbour with its MAC.
The two MACs differ in the first byte: libvirt gives the tap `fe` where the guest's card has `52` (row S0-54).
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from wslnet.model.families import IPV4

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from wslnet.model.guest_facts import Guest, GuestAddress
    from wslnet.model.linux_facts import LinuxFacts
    from wslnet.model.linux_network import Neighbour
    from wslnet.model.machine import Inventory

NEEDS = frozenset({"identity", "links", "neighbours", "domains", "guests"})
"""Facts of a machine that its VMs are told by."""

TAP_PREFIX = "fe"
RUNNING = "running"
_WEIGHTS = {"agent": 4, "neighbour": 2, "arp": 2, "lease": 1}
_DEAD = frozenset({"FAILED", "INCOMPLETE"})


@dataclass(frozen=True, slots=True)
class Port:
    """A card of a VM and the tap on its host that stands for it; `bridge` is what the tap is a port of."""

    mac: str
    tap: str | None
    tap_mac: str | None
    bridge: str | None


@dataclass(frozen=True, slots=True)
class NestedVm:
    """A VM of `host`: `domain` is None when libvirt does not know it, `name` its name in the inventory.

    `addresses` are IPv4, each with who told it: `lease`, `agent`, `arp`, `neighbour`.
    """

    host: str
    domain: str | None
    state: str
    ports: tuple[Port, ...] = ()
    addresses: tuple[tuple[str, tuple[str, ...]], ...] = ()
    agent: bool = False
    name: str | None = None
    listed: str | None = None
    """The address that the inventory has of it."""

    @property
    def address(self) -> str | None:
        """The address to enter it by: one that the guest has and the host leased, before what one alone says.

        A lease stays for an hour after a guest with another client id has got another one.
        """
        ranked = sorted(self.addresses, key=lambda one: -sum(_WEIGHTS.get(source, 0) for source in one[1]))
        return ranked[0][0] if ranked else None

    @property
    def moved(self) -> bool:
        """Whether the inventory has an address of it that it does not have now."""
        # A neighbour entry and a lease stay for a while when the guest has gone on; the guest itself knows.
        source = "agent" if self.agent else "lease"
        now = [address for address, sources in self.addresses if source in sources]
        return bool(now) and self.listed is not None and self.listed not in now


def nested_vms(inventory: Inventory, host: str, facts: LinuxFacts) -> tuple[NestedVm, ...]:
    """The VMs of one machine, libvirt's in its order, then the others."""
    guests = {guest.domain: guest for guest in facts.guests or ()}
    known = {nic.mac[2:] for guest in guests.values() for nic in guest.nics}
    found = [_domain(host, one.name, one.state, guests.get(one.name), facts) for one in facts.domains or ()]
    taps = _taps(facts)
    for neighbour in _neighbours(facts):
        tail = (neighbour.mac or "")[2:]
        if tail in taps and tail not in known:
            known.add(tail)
            port = _port(neighbour.mac or "", taps[tail], facts)
            found.append(NestedVm(host, None, RUNNING, (port,), _told(facts, {tail}, ())))
    return tuple(_listed(inventory, vm) for vm in found)


def _domain(host: str, name: str, state: str, guest: Guest | None, facts: LinuxFacts) -> NestedVm:
    if guest is None:
        return NestedVm(host, name, state)
    ports = tuple(_port(nic.mac, nic.tap, facts) for nic in guest.nics)
    tails = {nic.mac[2:] for nic in guest.nics}
    return NestedVm(host, name, state, ports, _told(facts, tails, guest.addresses), guest.agent)


def _told(
    facts: LinuxFacts, tails: Collection[str], addresses: Iterable[GuestAddress]
) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """IPv4 addresses of cards with these MACs, and who told each."""
    sources: dict[str, dict[str, None]] = {}
    for one in addresses:
        # What is on other links of the guest is not reached here: its own bridges, loopback.
        if one.family == IPV4 and one.mac[2:] in tails:
            sources.setdefault(one.address, {})[one.source] = None
    for neighbour in _neighbours(facts):
        if (neighbour.mac or "")[2:] in tails:
            sources.setdefault(neighbour.address, {})["neighbour"] = None
    return tuple((one, tuple(sources[one])) for one in sorted(sources, key=ipaddress.ip_address))


def _listed(inventory: Inventory, vm: NestedVm) -> NestedVm:
    """With its name in the inventory: by an address of it, else by its own name."""
    children = inventory.children(vm.host)
    mine = {address for address, _ in vm.addresses}
    machine = next((one for one in children if one.address in mine), None)
    machine = machine or next((one for one in children if one.name == vm.domain), None)
    return vm if machine is None else replace(vm, name=machine.name, listed=machine.address)


def _taps(facts: LinuxFacts) -> dict[str, str]:
    """Taps that are ports of a bridge, by the part of the MAC that they share with the guest's card."""
    return {
        link.mac[2:]: link.name
        for link in facts.links or ()
        if link.mac is not None and link.mac.startswith(TAP_PREFIX) and link.master is not None
    }


def _port(mac: str, tap: str | None, facts: LinuxFacts) -> Port:
    link = next((one for one in facts.links or () if one.name == tap), None)
    return Port(mac, tap, link.mac if link is not None else None, link.master if link is not None else None)


def _neighbours(facts: LinuxFacts) -> Iterator[Neighbour]:
    return (one for one in facts.neighbours or () if one.family == IPV4 and one.state not in _DEAD)
