"""Questions about the tree that the facts answer: which subnet a machine lives in, how it is addressed.

Pure functions over a snapshot; a question that the facts cannot answer gives None, never a guess.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wslnet.model.families import IPV4, MAIN_TABLE
from wslnet.model.machine import Kind

if TYPE_CHECKING:
    from wslnet.model.linux_facts import LinuxFacts
    from wslnet.model.linux_network import Address
    from wslnet.model.snapshot import Snapshot

_HOST_PREFIX = 32
_DEFAULT_ROUTES = frozenset({"0.0.0.0/0", "default"})
_WITH_WINDOWS_ADDRESSES = frozenset({"mirrored", "consomme", "virtioproxy"})


@dataclass(frozen=True, slots=True)
class Segment:
    """The wire between a machine and one child: the parent's link on it, both ends, the prefix."""

    parent: str
    child: str
    link: str
    subnet: str
    parent_address: str
    child_address: str


def segment(snapshot: Snapshot, child: str) -> Segment | None:
    """The segment on which `child` hangs below its Linux parent.

    The child's address is the inventory's; the parent's link is the one whose subnet holds it.
    """
    machine = snapshot.inventory[child]
    parent = machine.parent
    if parent is None or machine.address is None:
        return None
    facts = snapshot.linux(parent)
    if facts is None:
        return None
    here = _address_facing(facts, machine.address)
    if here is None:
        return None
    network = ipaddress.ip_network(f"{here.address}/{here.prefix}", strict=False)
    return Segment(parent, child, here.link, str(network), here.address, machine.address)


def _address_facing(facts: LinuxFacts, neighbour: str) -> Address | None:
    wanted = ipaddress.ip_address(neighbour)
    for address in facts.addresses or ():
        if address.family == wanted.version and address.link != "lo":
            network = ipaddress.ip_network(f"{address.address}/{address.prefix}", strict=False)
            if wanted in network:
                return address
    return None


def address_of(snapshot: Snapshot, target: str, seen_from: str) -> str | None:
    """The address under which `seen_from` would reach `target`.

    Below: the target's own address. Above: the ancestor's address on the wire towards the branch, so that
    the answer comes back the same way. Windows from WSL: its gateway in NAT mode, else its LAN address.
    """
    inventory = snapshot.inventory
    goal = inventory[target]
    if goal.kind in {Kind.VM, Kind.PEER}:
        return goal.address
    if goal.kind is Kind.WSL:
        return _wsl_address(snapshot, target, seen_from)
    if inventory.is_below(seen_from, target) and snapshot.mode == "nat":
        return _default_gateway(snapshot, inventory.wsl.name) if inventory.wsl else None
    return lan_address(snapshot)


def host_address(snapshot: Snapshot) -> str | None:
    """The address by which WSL comes to services of Windows: its gateway, or 127.0.0.1 in mirrored mode."""
    windows, wsl = snapshot.inventory.windows, snapshot.inventory.wsl
    if windows is None or wsl is None or snapshot.mode is None:
        return None
    return "127.0.0.1" if snapshot.mode == "mirrored" else address_of(snapshot, windows.name, wsl.name)


def _wsl_address(snapshot: Snapshot, wsl: str, seen_from: str) -> str | None:
    inventory = snapshot.inventory
    if inventory.is_below(seen_from, wsl):
        wire = segment(snapshot, inventory.branch(wsl, seen_from).name)
        return wire.parent_address if wire is not None else None
    if snapshot.mode in _WITH_WINDOWS_ADDRESSES:
        return "127.0.0.1" if inventory[seen_from].kind is Kind.WINDOWS else lan_address(snapshot)
    windows = snapshot.windows
    return windows.wsl.address if windows is not None and windows.wsl is not None else None


def _default_gateway(snapshot: Snapshot, name: str) -> str | None:
    facts = snapshot.linux(name)
    for route in (facts.routes if facts is not None else None) or ():
        if route.family == IPV4 and route.dst in _DEFAULT_ROUTES and route.table == MAIN_TABLE:
            return route.via
    return None


def uplinks(snapshot: Snapshot) -> tuple[int, ...]:
    """Interface indices of the Windows adapters with an IPv4 default gateway, best metric first."""
    windows = snapshot.windows
    if windows is None:
        return ()
    found = (one for one in windows.routes or () if one.dst in _DEFAULT_ROUTES and one.family == IPV4)
    return tuple(dict.fromkeys(route.index for route in sorted(found, key=lambda route: route.metric)))


def behind_switch(snapshot: Snapshot, address: str) -> bool:
    """Whether an address is a neighbour of Windows on a switch without a way out: a VM of Hyper-V itself."""
    windows = snapshot.windows
    outwards = uplinks(snapshot)
    return any(
        one.index not in outwards
        and ipaddress.ip_address(address) in ipaddress.ip_network(f"{one.address}/{one.prefix}", strict=False)
        for one in (windows.addresses if windows is not None else None) or ()
    )


def lan_address(snapshot: Snapshot) -> str | None:
    """Windows' IPv4 address on its best uplink."""
    windows = snapshot.windows
    for index in uplinks(snapshot):
        for address in (windows.addresses if windows is not None else None) or ():
            if address.index == index and address.family == IPV4:
                return address.address
    return None


def lan_addresses(snapshot: Snapshot) -> tuple[str, ...]:
    """Windows' IPv4 addresses on the adapters whose prefixes `@lan` means."""
    windows = snapshot.windows
    return tuple(
        address.address
        for index in uplinks(snapshot)
        for address in (windows.addresses if windows is not None else None) or ()
        if address.index == index and address.family == IPV4 and address.prefix < _HOST_PREFIX
    )


def lan_prefixes(snapshot: Snapshot) -> tuple[str, ...]:
    """The on-link prefixes of the adapters that have a default gateway: what `@lan` means (spec/cli.md).

    A VPN adapter is recognised by its host prefix (/32): it has no neighbours and adds none.
    """
    windows = snapshot.windows
    prefixes = [
        str(ipaddress.ip_network(f"{address.address}/{address.prefix}", strict=False))
        for index in uplinks(snapshot)
        for address in (windows.addresses if windows is not None else None) or ()
        if address.index == index and address.family == IPV4 and address.prefix < _HOST_PREFIX
    ]
    return tuple(dict.fromkeys(prefixes))
