"""Reads what `nft list ruleset` prints, with handles or without, into tables, chains and rules. Pure.

A text that was cut gives what stands before the cut.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache

from wslnet.netfilter.nft_words import Sets, decode, entries
from wslnet.netfilter.rules import NFT, Chain, Rule, Table

_TABLE = re.compile(r"^table (?P<family>\S+) (?P<name>\S+) \{")
_BLOCK = re.compile(r"^(?P<kind>chain|set|map|flowtable|counter|ct \S+|limit|quota) (?P<name>\S+) \{")
_HOOK = re.compile(
    r"^type (?P<type>\S+) hook (?P<hook>\S+)(?: devices? .*?)? priority (?P<priority>[^;]+);"
    r"(?: policy (?P<policy>\w+);)?"
)
_HANDLE = re.compile(r"\s+# handle \d+$")
_COUNTER = re.compile(r"\bcounter packets (?P<packets>\d+) bytes (?P<bytes>\d+)")
_COMMENT = re.compile(r'\bcomment "(?P<text>[^"]*)"')
_TOKEN = re.compile(r'"[^"]*"|[{},]|[^\s{},"][^\s{}"]*')
_PRIORITIES = {
    "raw": -300, "mangle": -150, "dstnat": -100, "filter": 0, "security": 50, "srcnat": 100, "out": 100,
}  # fmt: skip
_POLICIES = {"accept": "ACCEPT", "drop": "DROP"}


@dataclass
class _Raw:
    """A table as its lines were read: nothing is decoded before all its sets are known."""

    family: str
    name: str
    locked: bool = False
    chains: dict[str, list[str]] = field(default_factory=dict)
    sets: dict[str, list[str]] = field(default_factory=dict)
    maps: dict[str, list[str]] = field(default_factory=dict)


@lru_cache(maxsize=256)
def parse_ruleset(text: str) -> tuple[Table, ...]:
    """All tables in the order of the text; its counters and handles are no part of a rule's words."""
    tables: list[_Raw] = []
    block: list[str] | None = None
    for line in text.splitlines():
        plain = _HANDLE.sub("", line.strip())
        table = _TABLE.match(line)
        if table is not None:
            tables.append(_Raw(table["family"], table["name"]))
            block = None
        elif not tables or not plain:
            continue
        elif block is None:
            block = _open(tables[-1], plain)
        elif plain == "}":
            block = None
        else:
            block.append(plain)
    return tuple(_table(raw) for raw in tables)


def words_of(text: str) -> tuple[str, ...]:
    """The words of a rule; a quoted one keeps its quotes."""
    return tuple(_TOKEN.findall(text))


def _open(table: _Raw, line: str) -> list[str] | None:
    """The list that takes the lines of the block which this line opens, None if it opens none."""
    found = _BLOCK.match(line)
    if found is None:
        table.locked = table.locked or (line.startswith("flags ") and "owner" in line)
        return None
    kind = {"chain": table.chains, "set": table.sets, "map": table.maps}.get(found["kind"])
    lines: list[str] = []
    if kind is not None:
        kind[found["name"]] = lines
    return lines


def _table(raw: _Raw) -> Table:
    known = Sets(
        {name: _elements(lines) for name, lines in raw.sets.items()},
        {name: entries(_elements(lines)) for name, lines in raw.maps.items()},
    )
    chains = {name: _chain(name, lines, known) for name, lines in raw.chains.items()}
    return Table(raw.name, chains, NFT, raw.family, raw.locked)


def _elements(lines: list[str]) -> tuple[str, ...]:
    text = " ".join(lines)
    _, found, inner = text.partition("elements = {")
    words = words_of(inner.partition("}")[0]) if found else ()
    return tuple(plain for word in words if (plain := word.rstrip(",")))


def _chain(name: str, lines: list[str], known: Sets) -> Chain:
    rules: list[Rule] = []
    hook = policy = kind = None
    priority: int | None = None
    for line in lines:
        base = _HOOK.match(line)
        if base is not None:
            kind, hook, priority = base["type"], base["hook"], _priority(base["priority"])
            policy = _POLICIES.get(base["policy"] or "accept")
        elif not line.startswith(("comment ", "devices =")):
            number = rules[-1].number + 1 if rules else 1
            rules += _rules(number, line, known)
    return Chain(name, policy, tuple(rules), hook, priority, kind)


def _priority(text: str) -> int:
    word, *rest = text.split()
    number = _PRIORITIES[word] if word in _PRIORITIES else int(word) if word.lstrip("-").isdigit() else 0
    if len(rest) > 1 and rest[1].isdigit():
        number += int(rest[1]) if rest[0] == "+" else -int(rest[1])
    return number


def _rules(number: int, line: str, known: Sets) -> list[Rule]:
    counter = _COUNTER.search(line)
    said = _COMMENT.search(line)
    text = _COUNTER.sub("counter", line)
    spec = words_of(text)
    return [
        Rule(
            number,
            spec,
            text,
            one.matches,
            one.act,
            one.target,
            int(counter["packets"]) if counter else None,
            int(counter["bytes"]) if counter else None,
            said["text"] if said else None,
        )
        for one in decode(spec, known)
    ] or [Rule(number, spec, text)]
