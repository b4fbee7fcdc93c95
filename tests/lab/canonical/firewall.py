"""Rules of nftables and of both iptables in the network namespace that the calling thread is in.

nft does not show what extensions of iptables compare with, iptables-save does not show nftables' own tables:
both are read. Forgotten: counters, handles, times that run; the elements of sets in which they expire (they
come and go with packets); the tables and built-in chains, empty and accepting, that iptables makes when it is
only asked to list.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from .network import tool
from .parts import words

if TYPE_CHECKING:
    from .parts import Parts

_TABLES = frozenset({"filter", "nat", "mangle", "raw", "security"})
_BUILT_IN = frozenset({"PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"})
_MADE_BY_A_LOOK = re.compile(r":(?:" + "|".join(sorted(_BUILT_IN)) + r") ACCEPT")
_RUNNING = frozenset({"handle", "index", "packets", "bytes", "expires", "used"})
_SAVES = ("iptables-nft-save", "ip6tables-nft-save", "iptables-legacy-save", "ip6tables-legacy-save")


def read_firewall() -> Parts:
    """Every table of every program, chain by chain."""
    found = _nft()
    for program in _SAVES:
        found |= _saved(program)
    return found


def _nft() -> Parts:
    objects = json.loads(tool("nft", "-j", "list", "ruleset") or "{}").get("nftables", [])
    parts: dict[str, list[str]] = {}
    tables: dict[str, tuple[str, bool]] = {}
    for each in objects:
        ((kind, one),) = each.items()
        if kind == "metainfo":
            continue
        expires = "timeout" in one.get("flags", ())
        text = words(_still({key: value for key, value in one.items() if not (expires and key == "elem")}))
        if kind == "table":
            tables[f"nft {one['family']} {one['name']}"] = (text, _may_be_by_a_look(one))
            continue
        table = f"nft {one['family']} {one['table']}"
        if kind in {"chain", "rule"}:
            part = f"{table} {one['name'] if kind == 'chain' else one['chain']}"
        else:
            part = f"{table} {kind} {one.get('name')}"
        parts.setdefault(part, []).append(text)
        if kind == "chain" and _is_built_in(one):
            parts[part].pop()  # an accepting built-in chain counts by its rules alone
    kept = {name: tuple(lines) for name, lines in parts.items() if lines}
    for table, (text, by_a_look) in tables.items():
        if not by_a_look or any(name.startswith(f"{table} ") for name in kept):
            kept[table] = (text,)
    return kept


def _may_be_by_a_look(table: dict[str, Any]) -> bool:
    return table["name"] in _TABLES and table["family"] in {"ip", "ip6"}


def _is_built_in(chain: dict[str, Any]) -> bool:
    return chain["name"] in _BUILT_IN and chain.get("policy") == "accept" and chain["family"] in {"ip", "ip6"}


def _still(value: Any) -> Any:  # JSON of any depth
    if isinstance(value, dict):
        return {key: _still(one) for key, one in value.items() if key not in _RUNNING}
    return [_still(one) for one in value] if isinstance(value, list) else value


def _saved(program: str) -> Parts:
    parts: dict[str, list[str]] = {}
    table = ""
    for line in tool(program).splitlines():
        if line.startswith("*"):
            table = line[1:]
        elif line.startswith(":"):
            text = line.partition(" [")[0]
            if not _MADE_BY_A_LOOK.fullmatch(text):
                parts.setdefault(f"{program} {table} {text[1:].split()[0]}", []).append(text)
        elif line.startswith("-A "):
            parts.setdefault(f"{program} {table} {line.split()[1]}", []).append(line)
    return {name: tuple(lines) for name, lines in parts.items()}
