"""The installer: a PowerShell grammar accepts it, and it stays as thin as it says."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import tree_sitter_powershell
from tree_sitter import Language, Parser

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tree_sitter import Node

SCRIPT = Path(__file__).parents[2] / "installer" / "install.ps1"
COMMANDS = {"Set-StrictMode", "Get-Command", "Select-Object", "Write-Error", "Write-Output", "Join-Path"}


def parse(source: bytes) -> Node:
    return Parser(Language(tree_sitter_powershell.language())).parse(source).root_node


def nodes(node: Node) -> Iterator[Node]:
    yield node
    for child in node.children:
        yield from nodes(child)


def broken(source: bytes) -> list[str]:
    return [
        f"{one.start_point}: {one.type}" for one in nodes(parse(source)) if one.is_error or one.is_missing
    ]


def test_it_is_powershell() -> None:
    assert broken(SCRIPT.read_bytes()) == []


def test_the_grammar_would_notice() -> None:
    source = SCRIPT.read_bytes()
    assert broken(source.replace(b"if ($Boot) {", b"if ($Boot {"))
    assert broken(source[: source.rindex(b"}")])


def test_it_runs_uv_and_wslnet_and_nothing_else() -> None:
    names = [
        one.child_by_field_name("command_name")
        for one in nodes(parse(SCRIPT.read_bytes()))
        if one.type == "command"
    ]
    said = {(name.text or b"").decode() for name in names if name is not None}
    assert said - {"$uv.Source", "$wslnet"} <= COMMANDS, said
    assert {"$uv.Source", "$wslnet"} <= said


def test_windows_powershell_reads_it_without_a_byte_order_mark() -> None:
    assert SCRIPT.read_bytes().isascii()
