"""What nested VMs need so that every Linux machine of the tree reaches every other: routes and accepts.

For each wire between a machine and its child, all machines above need a route to it, and the machines that
forward must let new connections through both ways. VMs of different branches are connected where the wish
names them: libvirt keeps its networks apart on purpose. Works at any depth and width.
"""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address, ip_network
from itertools import pairwise
from typing import TYPE_CHECKING

from wslnet.model.machine import Kind
from wslnet.model.topology import Segment, segment
from wslnet.resources.forward_accept import ForwardAccept, forward_places
from wslnet.resources.static_route import StaticRoute
from wslnet.resources.sysctl import Sysctl

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from wslnet.model.change import Resource
    from wslnet.model.machine import Machine
    from wslnet.model.snapshot import Snapshot

NEEDS = frozenset(
    {
        "identity",
        "links",
        "addresses",
        "routes",
        "sysctls",
        "firewall",
        "listeners",
        "domains",
        "wsl",
        "owned",
    }
)
"""Facts of Linux machines that the nested part is computed from and judged by."""


def nested_resources(snapshot: Snapshot, only: Collection[str] | None = None) -> tuple[Resource, ...]:
    """Resources that connect all VMs below wsl, or those of `only`, with all machines between and with wsl.

    A wire whose ends are not known (parent not seen) gives nothing; doctor says so.
    """
    found: dict[tuple[str, str], Resource] = {}
    for machine in snapshot.inventory.of_kind(Kind.VM):
        if only is not None and machine.name not in only:
            continue
        wire = segment(snapshot, machine.name)
        if wire is not None:
            for each in (wire, *_behind(snapshot, machine)):
                for resource in _for_wire(snapshot, each):
                    found.setdefault((resource.machine, resource.name), resource)
    for one, other in dict.fromkeys(tuple(sorted(pair)) for pair in snapshot.inventory.wish.reach):
        if only is None or one in only or other in only:
            for resource in _between(snapshot, one, other):
                found.setdefault((resource.machine, resource.name), resource)
    return tuple(found.values())


def _between(snapshot: Snapshot, one: str, other: str) -> Iterator[Resource]:
    """What two VMs of different branches need: the machine where the branches meet, and all below it.

    A packet has the address of its sender or, behind libvirt's masquerade, one of the last wire it came over.
    """
    inventory = snapshot.inventory
    above = {machine.name for machine in inventory.ancestors(one)}
    meeting = next((machine for machine in inventory.ancestors(other) if machine.name in above), None)
    if meeting is None or not meeting.is_linux:
        return
    here, there = _chain(snapshot, one, meeting.name), _chain(snapshot, other, meeting.name)
    if not here or not there or here[-1].link == there[-1].link:
        # One is above the other, or they are neighbours on one bridge: nothing more is in the way.
        return
    why = f"so that {one} and {other} reach each other"
    for chain, goal in ((here, there), (there, here)):
        sources, link = (chain[0], chain[-1]), chain[-1].link
        yield from _let_through(snapshot, meeting.name, why, sources=sources, link=link, goal=goal)
        for inner, outer in pairwise(chain):
            uplink = _link_with(snapshot, outer.child, outer.child_address)
            if uplink is not None:
                out = [*goal[:-1], replace(goal[-1], link=uplink)]
                sources = (chain[0], inner)
                yield from _let_through(
                    snapshot, outer.child, why, sources=sources, link=inner.link, goal=out
                )
                yield from _let_through(
                    snapshot, outer.child, why, sources=goal[:1], link=uplink, goal=[chain[0], inner]
                )


def _let_through(
    snapshot: Snapshot,
    router: str,
    why: str,
    *,
    sources: Iterable[Segment],
    link: str,
    goal: Sequence[Segment],
) -> Iterator[Resource]:
    """New connections from the wires of `sources`, in by `link`, to the first of `goal`, out by its last."""
    yield Sysctl(router, "net.ipv4.ip_forward", "1", why)
    facts = snapshot.linux(router)
    for place in forward_places(facts.firewall if facts is not None else None):
        for source in dict.fromkeys(one.subnet for one in sources):
            yield ForwardAccept(router, source, goal[0].subnet, link, goal[-1].link, why, place)


def _chain(snapshot: Snapshot, name: str, top: str) -> list[Segment] | None:
    """The wires from a machine up to `top`, its own first; None if one of them is not known."""
    found: list[Segment] = []
    while name != top:
        wire = segment(snapshot, name)
        if wire is None:
            return None
        found.append(wire)
        name = wire.parent
    return found


def _behind(snapshot: Snapshot, router: Machine) -> Iterator[Segment]:
    """The networks behind a VM that is a router, as wires that it hangs on itself."""
    facts = snapshot.linux(router.name)
    for text in router.routes:
        network = ip_network(text)
        inner = next(
            (
                one
                for one in (facts.addresses if facts is not None else None) or ()
                if ip_address(one.address) in network
            ),
            None,
        )
        link, address = (inner.link, inner.address) if inner is not None else ("", "")
        yield Segment(router.name, router.name, link, text, address, "")


def _for_wire(snapshot: Snapshot, wire: Segment) -> Iterator[Resource]:
    inventory = snapshot.inventory
    goal = wire.child if wire.child != wire.parent else f"what lies behind {wire.child}"
    below = wire
    routers: list[tuple[Segment, Segment]] = []
    for ancestor in inventory.ancestors(wire.parent):
        if not ancestor.is_linux:
            break
        above = segment(snapshot, inventory.branch(ancestor.name, wire.child).name)
        if above is None:
            break
        reach = f"so that {ancestor.name} reaches {goal}"
        yield StaticRoute(ancestor.name, wire.subnet, above.child_address, above.link, reach)
        routers.append((above, below))
        # Everything on the way down sees the address of whoever began, not that of the last hop.
        for outer, inner in routers:
            yield from _forwarding(snapshot, above, outer, inner, wire)
        below = above


def _forwarding(
    snapshot: Snapshot, source: Segment, outer: Segment, inner: Segment, wire: Segment
) -> Iterator[Resource]:
    """What the machine between two wires must let pass between the first wire and the last."""
    router = outer.child
    uplink = _link_with(snapshot, router, outer.child_address)
    if uplink is None or not inner.link or not _has_agent(snapshot, router):
        # Not seen, or a router that looks after itself: OpenWrt has no Python, and firewall rules of its own.
        return
    why = f"so that {source.parent} reaches {wire.child} through {router}"
    back = f"so that {wire.child} reaches {source.parent} through {router}"
    yield Sysctl(
        router, "net.ipv4.ip_forward", "1", f"{router} must forward between {source.subnet} and {wire.subnet}"
    )
    facts = snapshot.linux(router)
    for place in forward_places(facts.firewall if facts is not None else None):
        yield ForwardAccept(router, source.subnet, wire.subnet, uplink, inner.link, why, place)
        yield ForwardAccept(router, wire.subnet, source.subnet, inner.link, uplink, back, place)


def _has_agent(snapshot: Snapshot, machine: str) -> bool:
    facts = snapshot.linux(machine)
    without = facts is not None and facts.identity is not None and not facts.identity.python
    return not (without and snapshot.inventory[machine].routes)


def _link_with(snapshot: Snapshot, machine: str, address: str) -> str | None:
    facts = snapshot.linux(machine)
    addresses = (facts.addresses if facts is not None else None) or ()
    return next((one.link for one in addresses if one.address == address), None)
