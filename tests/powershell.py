"""A grammar of PowerShell that is not the lab's own: what it makes of a source, and what it cannot read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import tree_sitter_powershell
from tree_sitter import Language, Parser

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tree_sitter import Node


def nodes(source: bytes) -> Iterator[Node]:
    """Every node of the tree, each before its children."""
    yield from _below(Parser(Language(tree_sitter_powershell.language())).parse(source).root_node)


def broken(source: bytes) -> list[str]:
    """Where it is no PowerShell, and what stands there."""
    return [f"{one.start_point}: {one.type}" for one in nodes(source) if one.is_error or one.is_missing]


def commands(source: bytes) -> set[str]:
    """The names of the commands that it calls."""
    names = [one.child_by_field_name("command_name") for one in nodes(source) if one.type == "command"]
    return {(name.text or b"").decode() for name in names if name is not None}


def _below(node: Node) -> Iterator[Node]:
    yield node
    for child in node.children:
        yield from _below(child)
