"""Makes the graph of the live topology from a snapshot (note 000's picture). Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from wslnet.engine.draw_edges import (
    UNSEEN_INTERFACE,
    default_way,
    inner_edges,
    vm_edges,
    vm_interfaces,
    wsl_edges,
)
from wslnet.engine.graph import EXTERNAL, ROUTER, Edge, End, Graph, Interface, Joint, Node
from wslnet.engine.overview_linux import linux_links
from wslnet.engine.overview_windows import windows_links
from wslnet.model.linux_facts import LinuxFacts
from wslnet.model.machine import Kind, Machine
from wslnet.model.windows_facts import WindowsFacts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from wslnet.engine.overview_link import LinkView
    from wslnet.model.machine import Inventory
    from wslnet.model.snapshot import Needs, Snapshot

_IDLE = frozenset({Joint.MIRROR, Joint.FORWARD, Joint.NAT})
"""Joints that exist whether or not anything hangs behind them."""


def graph_needs(inventory: Inventory) -> Needs:
    """What to gather for the graph."""
    windows = frozenset({"adapters", "interfaces", "addresses", "routes", "profiles", "wsl"})
    linux = frozenset({"links", "addresses", "routes", "neighbours", "sysctls", "firewall", "wsl"})
    peer = frozenset({"links", "addresses", "routes"})
    by_kind = {Kind.WINDOWS: windows, Kind.WSL: linux, Kind.VM: linux, Kind.PEER: peer}
    return {name: by_kind[machine.kind] for name, machine in inventory.machines.items()}


def draw(snapshot: Snapshot) -> Graph:
    """The graph; a machine that was not seen is a node with what others know of it."""
    inventory = snapshot.inventory
    nodes = [_node(snapshot, machine) for machine in inventory.machines.values()]
    outside = _outside(inventory, nodes)
    edges = [*_lan_edges(nodes, outside), *wsl_edges(snapshot)]
    for name, facts in snapshot.facts.items():
        if isinstance(facts, LinuxFacts) and inventory[name].kind is not Kind.PEER:
            edges += inner_edges(name, facts)
    for machine in inventory.of_kind(Kind.VM):
        edges += vm_edges(snapshot, machine.name)
    used = _used(snapshot, edges)
    marked = [
        replace(
            node,
            interfaces=tuple(replace(one, used=End(node.name, one.name) in used) for one in node.interfaces),
        )
        for node in nodes
    ]
    return Graph(snapshot.mode, (*((outside,) if outside else ()), *marked), tuple(edges))


def _node(snapshot: Snapshot, machine: Machine) -> Node:
    facts = snapshot.facts.get(machine.name)
    kind = ROUTER if machine.routes else str(machine.kind)
    head = Node(machine.name, kind, machine.parent, seen=facts is not None)
    if isinstance(facts, WindowsFacts):
        return replace(head, interfaces=tuple(_interfaces(windows_links(facts))))
    if isinstance(facts, LinuxFacts):
        return replace(head, interfaces=tuple(_interfaces(linux_links(facts, {}))))
    addresses = (machine.address,) if machine.address is not None and machine.kind is Kind.VM else ()
    known: dict[str, str | None] = {**vm_interfaces(snapshot, machine.name)} or {UNSEEN_INTERFACE: None}
    return replace(
        head, interfaces=tuple(Interface(name, "unknown", mac, addresses) for name, mac in known.items())
    )


def _interfaces(links: Sequence[LinkView]) -> Iterator[Interface]:
    for link in links:
        if link.role != "loopback":
            addresses = tuple(one for one in link.addresses if not one.startswith("fe80:"))
            yield Interface(link.name, link.role, link.mac, addresses, link.gateway, link.up)


def _outside(inventory: Inventory, nodes: Sequence[Node]) -> Node | None:
    """The network behind the default gateway of Windows, or of peers when Windows was not seen."""
    gateways = [
        one.gateway
        for kind in (str(Kind.WINDOWS), str(Kind.PEER))
        for node in nodes
        if node.kind == kind
        for one in node.interfaces
        if one.gateway is not None
    ]
    if not gateways:
        return None
    name = "external"
    while name in inventory.machines:
        name += "-network"
    doors = tuple(Interface(gateway, "gateway", None, (gateway,)) for gateway in dict.fromkeys(gateways))
    return Node(name, EXTERNAL, interfaces=doors)


def _lan_edges(nodes: Sequence[Node], outside: Node | None) -> Iterator[Edge]:
    for node in nodes:
        for one in node.interfaces:
            if outside is not None and one.gateway is not None and node.kind in {"windows", "peer"}:
                yield Edge(End(outside.name, one.gateway), End(node.name, one.name), Joint.LAN)


def _used(snapshot: Snapshot, edges: Sequence[Edge]) -> frozenset[End]:
    """What carries something: every end of a joint that is there for somebody, and the ways out."""
    found = {end for edge in edges if edge.kind not in _IDLE for end in (edge.a, edge.b)}
    for name, facts in snapshot.facts.items():
        way = default_way(facts) if isinstance(facts, LinuxFacts) else None
        if way is not None:
            found.add(End(name, way[1]))
    mirrored = {edge.b: edge.a for edge in edges if edge.kind is Joint.MIRROR}
    return frozenset(found | {mirrored[end] for end in found if end in mirrored})
