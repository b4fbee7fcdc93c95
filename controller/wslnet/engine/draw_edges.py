"""What joins interfaces, found in the facts: mirrored pairs, NAT, bridges, taps. Pure.

Nothing is guessed: a tap belongs to the VM whose MAC it carries, a mirrored link to the adapter that
`wslnet.model.mirror` tells, NAT is a MASQUERADE rule that was read.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from wslnet.engine.graph import Edge, End, Joint
from wslnet.model.families import IPV4, MAIN_TABLE
from wslnet.model.machine import Kind
from wslnet.model.mirror import mirrored_links
from wslnet.model.topology import segment, uplinks
from wslnet.netfilter.masquerade import masqueraded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wslnet.model.linux_facts import LinuxFacts
    from wslnet.model.snapshot import Snapshot

_TAP_PREFIX = "fe"
_PROXIED = frozenset({"consomme", "virtioproxy"})


def wsl_edges(snapshot: Snapshot) -> Iterator[Edge]:
    """How WSL hangs on Windows, by the mode that was measured."""
    windows, wsl = snapshot.inventory.windows, snapshot.inventory.wsl
    facts = snapshot.linux(wsl.name) if wsl is not None else None
    if windows is None or wsl is None or facts is None or snapshot.windows is None:
        return
    if snapshot.mode == "mirrored":
        yield from _mirror_edges(snapshot, windows.name, wsl.name)
    else:
        yield from _gateway_edges(snapshot, facts, windows.name, wsl.name)


def _mirror_edges(snapshot: Snapshot, windows: str, wsl: str) -> Iterator[Edge]:
    for one in mirrored_links(snapshot):
        if one.adapter is not None:
            yield Edge(End(windows, one.adapter.name), End(wsl, one.link), Joint.MIRROR)


def _gateway_edges(snapshot: Snapshot, facts: LinuxFacts, windows: str, wsl: str) -> Iterator[Edge]:
    """By the gateway of WSL: it is Windows' own address in NAT mode, and the LAN's behind a proxy."""
    host, way = snapshot.windows, default_way(facts)
    if host is None or way is None:
        return
    gateway, link = way
    if snapshot.mode in _PROXIED:
        names = {adapter.index: adapter.name for adapter in host.adapters or ()}
        for index in uplinks(snapshot)[:1]:
            if index in names:
                yield Edge(End(windows, names[index]), End(wsl, link), Joint.PROXY)
        return
    for address in host.addresses or ():
        if address.address == gateway:
            yield Edge(End(windows, address.alias), End(wsl, link), Joint.WSL_NAT)


def inner_edges(machine: str, facts: LinuxFacts) -> Iterator[Edge]:
    """Between the interfaces of one Linux machine: its way out to its bridges, its bridges to their ports."""
    bridges = {link.name for link in facts.links or () if link.kind == "bridge"}
    way = default_way(facts)
    hidden = masqueraded(facts.firewall) if facts.firewall is not None else frozenset()
    forwards = (facts.sysctls or {}).get("net.ipv4.ip_forward") == "1"
    for address in facts.addresses or ():
        if address.link in bridges and address.family == IPV4 and way is not None and way[1] != address.link:
            subnet = str(ipaddress.ip_network(f"{address.address}/{address.prefix}", strict=False))
            kind = Joint.NAT if subnet in hidden else Joint.FORWARD if forwards else None
            if kind is not None:
                yield Edge(End(machine, way[1]), End(machine, address.link), kind)
    for link in facts.links or ():
        if link.master in bridges and link.up:
            yield Edge(End(machine, str(link.master)), End(machine, link.name), Joint.BRIDGE)


def vm_edges(snapshot: Snapshot, name: str) -> Iterator[Edge]:
    """How a VM hangs on its parent: by the tap with its MAC, else on the wire that its address lies in."""
    parent = snapshot.inventory[name].parent or ""
    host = snapshot.linux(parent)
    if host is None:
        return
    found = False
    for interface, mac in vm_interfaces(snapshot, name).items():
        for tap in host.links or ():
            if tap.mac is not None and tap.mac == f"{_TAP_PREFIX}{mac[2:]}":
                found = True
                yield Edge(End(parent, tap.name), End(name, interface), Joint.TAP)
    wire = segment(snapshot, name)
    if not found and wire is not None:
        interface = next(iter(vm_interfaces(snapshot, name)), UNSEEN_INTERFACE)
        yield Edge(End(parent, wire.link), End(name, interface), Joint.ATTACHED)


UNSEEN_INTERFACE = "nic"
"""What the interface of a VM is called that could not be asked."""


def vm_interfaces(snapshot: Snapshot, name: str) -> dict[str, str]:
    """Name to MAC of a VM's cards; of one that was not seen what its parent's neighbours tell."""
    facts = snapshot.linux(name)
    if facts is not None:
        return {
            link.name: link.mac
            for link in facts.links or ()
            if link.mac is not None and "LOOPBACK" not in link.flags and link.kind != "bridge"
        }
    machine = snapshot.inventory[name]
    host = snapshot.linux(machine.parent or "") if machine.kind is Kind.VM else None
    for one in (host.neighbours if host is not None else None) or ():
        if one.address == machine.address and one.mac is not None:
            return {UNSEEN_INTERFACE: one.mac}
    return {}


def default_way(facts: LinuxFacts) -> tuple[str | None, str] | None:
    """Gateway and link of the IPv4 default route that wins; None without one."""
    found = [
        route
        for route in facts.routes or ()
        if route.dst == "default"
        and route.family == IPV4
        and route.table == MAIN_TABLE
        and route.dev is not None
    ]
    best = min(found, key=lambda route: route.metric, default=None)
    return (best.via, str(best.dev)) if best is not None else None
