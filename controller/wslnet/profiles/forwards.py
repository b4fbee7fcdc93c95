"""Published ports (the wish's `forward`) as resources, by the means that WSL's mode allows.

Mirrored: a holder of the port in WSL's own namespace, DNAT and masquerade there, a Hyper-V rule. NAT: rules
of Windows to WSL's address of now (`wslnet.profiles.nat_forwards`), and from there DNAT to a VM. Nothing here
asks who has the port already (`wslnet.profiles.forward_conflicts`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from wslnet.errors import Unsupported
from wslnet.model.allow import Allow
from wslnet.model.families import MAIN_TABLE
from wslnet.model.forward import HOST, LAN
from wslnet.model.machine import Kind
from wslnet.model.topology import Segment, segment
from wslnet.profiles.lan_scope import lan_scope
from wslnet.profiles.nat_forwards import PURPOSE, nat_resources, removed_resources
from wslnet.profiles.nested import nested_resources
from wslnet.resources.forward_accept import ANYBODY, ForwardAccept, Service, forward_places
from wslnet.resources.hyperv_rule import HyperVAllowRule
from wslnet.resources.own_rule import OwnRule
from wslnet.resources.port_holder import PortHolder
from wslnet.resources.sysctl import Sysctl

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wslnet.model.change import Resource
    from wslnet.model.forward import Forward
    from wslnet.model.snapshot import Snapshot

MIRRORED, NAT = "mirrored", "nat"
_OF_NAT = "in mirrored mode it would take the port from WSL"
_DEFAULT_ROUTES = frozenset({"default", "0.0.0.0/0"})


def refuse_unsupported(mode: str | None, forward: Forward) -> None:
    """Refuses what no means of this mode can publish.

    Raises:
        Unsupported: says why, and what would help.
    """
    if mode not in {MIRRORED, NAT}:
        raise Unsupported(
            f"{forward}: wslnet publishes ports in the modes mirrored and nat; WSL runs in mode {mode}",
            hint="wslnet setup --mirrored",
        )


def windows_resources(snapshot: Snapshot, mode: str, forwards: tuple[Forward, ...]) -> tuple[Resource, ...]:
    """Windows' part. In mirrored mode it outlives a restart of WSL, in NAT mode it follows WSL's address.

    Raises:
        PlanRefused: the LAN was asked for and there is none, or it is public.
        Unsupported: a forward that this mode cannot have.
    """
    windows = snapshot.inventory.windows
    if windows is None:
        return ()
    found: list[Resource] = []
    for one in forwards:
        refuse_unsupported(mode, one)
        if mode == MIRRORED:
            found += removed_resources(snapshot, windows.name, one, _OF_NAT)
            found += _hyperv_rule(snapshot, windows.name, one)
        else:
            found += nat_resources(snapshot, windows.name, one)
    return tuple(found)


def linux_resources(snapshot: Snapshot, mode: str, forwards: tuple[Forward, ...]) -> tuple[Resource, ...]:
    """What must be put in place in WSL and in VMs after each start of WSL.

    A target that hangs on a wire that is not known gives nothing; the caller of `forward add` says so.
    """
    found: dict[tuple[str, str], Resource] = {}
    for one in forwards:
        for resource in _inside(snapshot, mode, one):
            found.setdefault((resource.machine, resource.name), resource)
    return tuple(found.values())


def localnet_tag(link: str) -> str:
    """The tag of the rule that keeps the VMs on a link away from 127.0.0.0/8."""
    return f"localnet {link}"


def _inside(snapshot: Snapshot, mode: str, forward: Forward) -> Iterator[Resource]:
    inventory, wsl = snapshot.inventory, snapshot.inventory.wsl
    if wsl is None:
        return
    why = f"so that {forward.listen} leads to {forward.target}:{forward.target_port}"
    if inventory[forward.target].kind is Kind.WSL:
        if mode == MIRRORED and forward.port != forward.target_port:
            yield PortHolder(wsl.name, forward.proto, forward.port, why)
            yield _translation(wsl.name, forward, f":{forward.target_port}", why)
        return
    wire = segment(snapshot, inventory.branch(wsl.name, forward.target).name)
    if wire is None:
        return
    if mode == MIRRORED:
        yield PortHolder(wsl.name, forward.proto, forward.port, why)
        yield from _localhost(wsl.name, wire.link)
    yield Sysctl(wsl.name, "net.ipv4.ip_forward", "1", f"{wsl.name} must forward what is published")
    address = inventory[forward.target].address or ""
    yield _translation(wsl.name, forward, f"{address}:{forward.target_port}", why)
    yield _masquerade(wsl.name, wire, forward, address)
    yield from _accepts(snapshot, wire, forward, address)
    yield from nested_resources(snapshot, {forward.target})


def _translation(wsl: str, forward: Forward, to: str, why: str) -> OwnRule:
    proto = forward.proto
    match = ("-p", proto, "-m", proto, "--dport", str(forward.port), "-m", "addrtype", "--dst-type", "LOCAL")
    action = ("-j", "DNAT", "--to-destination", to)
    return OwnRule(wsl, "nat", "PREROUTING", forward.tag, match, action, why)


def _masquerade(wsl: str, wire: Segment, forward: Forward, address: str) -> OwnRule:
    """Of translated connections only; the way back then needs no route, and 127.0.0.1 is no source there."""
    proto = forward.proto
    port = ("-p", proto, "-m", proto, "--dport", str(forward.target_port))
    match = ("-d", f"{address}/32", "-o", wire.link, *port, "-m", "conntrack", "--ctstate", "DNAT")
    why = f"so that {forward.target} answers by {wsl}, whoever asks"
    return OwnRule(wsl, "nat", "POSTROUTING", forward.tag, match, ("-j", "MASQUERADE"), why)


def _localhost(wsl: str, link: str) -> Iterator[Resource]:
    """What Windows' own 127.0.0.1 needs to get to a VM, and what keeps the VMs from theirs.

    With route_localnet alone, a VM could send to 127.0.0.1 and get to the local services of WSL and Windows.
    """
    match = ("-d", "127.0.0.0/8", "-i", link)
    why = f"so that nobody on {link} gets to local services by what the next line opens"
    yield OwnRule(wsl, "raw", "PREROUTING", localnet_tag(link), match, ("-j", "DROP"), why)
    yield Sysctl(
        wsl,
        f"net.ipv4.conf.{link}.route_localnet",
        "1",
        "so that localhost of Windows reaches it, too (wsl-guest-facts 5)",
        rows=("N-17", "S0-57"),
    )


def _accepts(snapshot: Snapshot, wire: Segment, forward: Forward, address: str) -> Iterator[ForwardAccept]:
    facts = snapshot.linux(wire.parent)
    routes = (facts.routes if facts is not None else None) or ()
    uplink = next(
        (r.dev for r in routes if r.dst in _DEFAULT_ROUTES and (r.family, r.table) == (4, MAIN_TABLE)), None
    )
    up, rows, to = uplink or "eth0", ("S0-57", "S2-12"), f"{address}/32"
    there = Service(forward.proto, forward.target_port, forward.tag)
    back = replace(there, replies=True)
    why = f"so that {wire.parent} forwards {forward.listen} to {forward.target}"
    answer = f"so that the answers of {forward.target} come back by {wire.parent}"
    for place in forward_places(facts.firewall if facts is not None else None):
        yield ForwardAccept(wire.parent, ANYBODY, to, up, wire.link, why, place, rows, service=there)
        # libvirt lets out only what is of its own network: not what a VM below one of its VMs answers.
        yield ForwardAccept(wire.parent, to, ANYBODY, wire.link, up, answer, place, rows, service=back)


def _hyperv_rule(snapshot: Snapshot, windows: str, forward: Forward) -> Iterator[Resource]:
    if forward.scope == HOST:
        # Nobody but Windows itself is let in: its own loopback needs no rule.
        return
    allow = Allow(forward.proto, forward.port, forward.scope)
    prefixes, profiles = lan_scope(snapshot, forward.listen) if forward.scope == LAN else ((), ())
    yield HyperVAllowRule(
        windows,
        allow,
        prefixes,
        profiles,
        f"{forward}: for {', '.join(prefixes) or 'any source'}",
        rows=("S0-57", "S3-09"),
        purpose=PURPOSE,
    )
