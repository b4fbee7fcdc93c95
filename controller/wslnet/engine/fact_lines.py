"""Facts as lines of text without what moves by itself: what fingerprints are made of and compared by.

Counters, lifetimes, neighbours, carriers, and the empty tables and chains that only a look created are left
out. Pure; the same lines tell a person what moved.
"""

from __future__ import annotations

import re
from dataclasses import fields
from typing import TYPE_CHECKING

import msgspec

from wslnet.model.plan import digest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from wslnet.model.snapshot import MachineFacts

FactLines = dict[str, tuple[str, ...]]
"""Fact name → its lines. Lines of a firewall keep their order, others are sorted."""

_FORGETFUL = frozenset({"neighbours", "listeners", "sessions", "containers", "guests", "errors", "fdb"})
_FORGETFUL |= {"owned", "persistence", "holders", "in_use"}
_HOLDING = {"networks": "name", "guest_keys": "domain"}
"""Facts whose items hold lists of their own, by the key that names an item."""
_PASSING = {
    "links": frozenset({"carrier", "flags", "qdisc"}),
    "addresses": frozenset({"flags"}),
    "routes": frozenset({"flags"}),
    # A distro stops by itself 15 s after its last client has gone (wsl-facts 2.4).
    "wsl": frozenset({"state"}),
    # Most services start when they are needed.
    "services": frozenset({"state"}),
}
_COUNTED = re.compile(r"^\[\d+:\d+\] ")
_NFT_PASSING = re.compile(r" ?(counter packets \d+ bytes \d+|expires [0-9a-z]+)")
_ACCEPTING = re.compile(r"type \w+ hook .*; policy accept;$")


def fact_lines(facts: MachineFacts) -> FactLines:
    """The lines of every fact that was read."""
    plain = msgspec.to_builtins(facts)
    found: FactLines = {}
    for name, value in plain.items():
        if value is None or name in _FORGETFUL:
            continue
        if name == "firewall":
            told = _saved_tables(value["backends"].get("iptables-nft", {}))
            found[name] = (*_saved(value["backends"]), *_nft(value["nft"] or "", told))
        elif name in _HOLDING:
            found[name] = tuple(sorted(_held(value, _HOLDING[name])))
        elif name == "boot":
            # How a task ended last and whether it runs moves by itself.
            kept = {
                **value,
                "tasks": _without(value["tasks"], frozenset({"state", "last_result", "last_run"})),
            }
            found[name] = tuple(sorted(_flat("", kept)))
        else:
            found[name] = tuple(sorted(_flat("", _without(value, _PASSING.get(name, frozenset())))))
    return found


def facts_read(facts: MachineFacts) -> frozenset[str]:
    """Names of the facts that were read, to read the same again."""
    names = {one.name for one in fields(facts) if getattr(facts, one.name) is not None}
    return frozenset(names - {"errors"})


def fingerprint(facts: MachineFacts) -> str:
    """Digest of the lines of all facts."""
    return digest(fact_lines(facts))


def fact_prints(facts: MachineFacts) -> dict[str, str]:
    """Digest of the lines of each fact, short: enough to say which of them moved."""
    return {name: digest(lines)[:12] for name, lines in fact_lines(facts).items()}


def difference(before: FactLines, after: FactLines) -> dict[str, tuple[str, ...]]:
    """Fact → lines that came (`+ …`) and went (`- …`); facts that only one side has are not compared."""
    found = {}
    for name in before:
        if name in after and before[name] != after[name]:
            gone = [f"- {line}" for line in _beyond(before[name], after[name])]
            come = [f"+ {line}" for line in _beyond(after[name], before[name])]
            found[name] = (*come, *gone) or ("in another order",)
    return found


def _beyond(lines: tuple[str, ...], others: tuple[str, ...]) -> Iterator[str]:
    """Lines that stand here more often than there."""
    left = list(others)
    for line in lines:
        if line in left:
            left.remove(line)
        else:
            yield line


def _without(value: object, passing: frozenset[str]) -> object:
    if not passing:
        return value
    if isinstance(value, dict):
        return {key: _without(item, passing) for key, item in value.items() if key not in passing}
    return [_without(each, passing) for each in value] if isinstance(value, list | tuple) else value


def _flat(path: str, value: object) -> Iterator[str]:
    if isinstance(value, dict):
        inner = {key: item for key, item in value.items() if isinstance(item, dict | list | tuple) and item}
        words = [f"{key}={item}" for key, item in value.items() if key not in inner and item is not None]
        if path and words:
            yield f"{path} {' '.join(words)}"
        elif words:
            yield from words
        for key, item in inner.items():
            yield from _flat(f"{path} {key}".strip(), item)
    elif isinstance(value, list | tuple):
        if all(isinstance(item, dict) for item in value):
            for item in value:
                yield f"{path} {_words(item)}".strip()
        else:
            yield f"{path} {' '.join(str(item) for item in value)}".strip()
    else:
        yield f"{path} {value}".strip()


def _held(items: Iterable[Mapping[str, object]], key: str) -> Iterator[str]:
    """One line for each thing that an item holds, and one for what it says of itself."""
    for item in items:
        name = str(item[key])
        yield from _flat(name, {one: value for one, value in item.items() if one != key and value != ()})


def _words(item: Mapping[str, object]) -> str:
    return " ".join(f"{key}={value}" for key, value in item.items() if value not in (None, [], ()))


def _saved(backends: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    """Rules, chains with a name, and policies other than ACCEPT, each with back end, family and table."""
    for backend, families in sorted(backends.items()):
        for family, text in sorted(families.items()):
            yield from (f"{backend}/{family} {line}" for line in _saved_lines(text))


def _saved_lines(text: str) -> Iterator[str]:
    table = ""
    for line in text.splitlines():
        if line.startswith("*"):
            table = line[1:]
        elif line.startswith(":"):
            chain, policy = line.split(" ")[:2]
            if policy != "ACCEPT":
                yield f"{table} {chain} {policy}"
        elif line.startswith(("-", "[")):
            yield f"{table} {_COUNTED.sub('', line)}"


def _saved_tables(families: Mapping[str, str]) -> frozenset[str]:
    """Tables of nftables that iptables-nft has saved: they need not be told twice."""
    names = {"4": "ip", "6": "ip6"}
    return frozenset(
        f"table {names[family]} {line[1:]}"
        for family, text in families.items()
        for line in text.splitlines()
        if line.startswith("*")
    )


def _nft(text: str, told: frozenset[str]) -> Iterator[str]:
    """The leaves of the ruleset with the blocks they stand in; empty tables and chains have none."""
    blocks: list[str] = []
    for line in (_NFT_PASSING.sub("", each).strip() for each in text.splitlines()):
        if line.endswith("{") and "= {" not in line:
            blocks.append(line[:-1].strip())
        elif line == "}":
            blocks = blocks[:-1]
        elif line and not line.startswith("#") and not _is_passed_over(line, blocks, told):
            yield f"nft {' '.join([*blocks, line])}"


def _is_passed_over(line: str, blocks: list[str], told: frozenset[str]) -> bool:
    return bool(_ACCEPTING.match(line)) or (bool(blocks) and blocks[0] in told)
