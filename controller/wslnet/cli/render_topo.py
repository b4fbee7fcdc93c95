"""The topology as Mermaid and as a tree of plain ASCII lines.

Names come from machines and may hold anything: in Mermaid they stand only inside quoted labels, with every
character that means something there written as an entity; ids are made here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet.cli.output import printable
from wslnet.engine.graph import EXTERNAL, LABELS, End

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wslnet.engine.graph import Edge, Graph, Interface, Node

_ENTITIES = {
    "#": "#35;",
    "&": "#amp;",
    "<": "#lt;",
    ">": "#gt;",
    '"': "#quot;",
    "`": "#96;",
    "\\": "#92;",
    "\n": " ",
    "|": "#124;",
}
_BREAK = "<br>"


def mermaid(graph: Graph) -> Iterator[str]:
    """The lines of a Mermaid flowchart: a subgraph for each machine, a node for each interface."""
    ids = {
        End(node.name, one.name): f"m{number}_i{place}"
        for number, node in enumerate(graph.machines)
        for place, one in enumerate(node.interfaces)
    }
    yield "graph TD"
    for number, node in enumerate(graph.machines):
        yield f'    subgraph m{number}["{_escaped(_title(graph, node))}"]'
        for one in node.interfaces:
            style = "" if one.used else ":::unused"
            yield f'        {ids[End(node.name, one.name)]}["{_label(node, one)}"]{style}'
        yield "    end"
    for edge in graph.links:
        label = LABELS[edge.kind]
        arrow = f"-->|{label}|" if label else "-->"
        if edge.a in ids and edge.b in ids:
            yield f"    {ids[edge.a]} {arrow} {ids[edge.b]}"
    yield "    classDef unused stroke-dasharray: 4 4,opacity: 0.6"


def _title(graph: Graph, node: Node) -> str:
    if node.kind == EXTERNAL:
        return "external network"
    mode = f", {graph.mode}" if node.kind == "wsl" and graph.mode else ""
    unseen = "" if node.seen else ", not seen"
    return f"{node.name} ({node.kind}{mode}{unseen})"


def _label(node: Node, one: Interface) -> str:
    if node.kind == EXTERNAL:
        return _escaped(f"default gateway {one.name}")
    parts = [f"{one.name} ({_role(one)})", *one.addresses]
    parts += [f"gateway {one.gateway}"] if one.gateway else []
    parts += [f"MAC: {one.mac}"] if one.mac else []
    return _BREAK.join(_escaped(part) for part in parts)


def _role(one: Interface) -> str:
    return one.role + ("" if one.up else ", down") + ("" if one.used else ", unused")


def _escaped(text: str) -> str:
    return "".join(_ENTITIES.get(character, character) for character in printable(text))


def tree(graph: Graph) -> Iterator[str]:
    """The same as a tree in ASCII: what hangs on what, each interface with what it is joined to."""
    for node in graph.children(None):
        yield from _subtree(graph, node, "", "")


def _subtree(graph: Graph, node: Node, first: str, rest: str) -> Iterator[str]:
    yield first + _title(graph, node)
    below = graph.children(node.name)
    count = len(node.interfaces) + len(below)
    for place, one in enumerate(node.interfaces, 1):
        yield f"{rest}{'`-' if place == count else '|-'} {_interface(graph, node, one)}"
    for place, child in enumerate(below, len(node.interfaces) + 1):
        last = place == count
        yield from _subtree(
            graph, child, f"{rest}{'`- ' if last else '|- '}", f"{rest}{'   ' if last else '|  '}"
        )


def _interface(graph: Graph, node: Node, one: Interface) -> str:
    if node.kind == EXTERNAL:
        return f"default gateway {one.name}"
    told = [f"{one.name} [{_role(one)}]", *one.addresses]
    told += [f"gateway {one.gateway}"] if one.gateway else []
    told += [f"mac {one.mac}"] if one.mac else []
    return " ".join(told) + "".join(f"; {text}" for text in _joints(graph, End(node.name, one.name)))


def _joints(graph: Graph, end: End) -> Iterator[str]:
    """What it is joined to on the side of the network outside."""
    for edge in graph.links:
        if edge.b == end and LABELS[edge.kind]:
            yield f"{LABELS[edge.kind]} <- {_name(edge, end)}"


def _name(edge: Edge, end: End) -> str:
    inside = edge.a.machine == end.machine
    return edge.a.interface if inside else f"{edge.a.machine} {edge.a.interface}"
