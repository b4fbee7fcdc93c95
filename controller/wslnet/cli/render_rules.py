"""Firewall rules as lines and as the document of `--json`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wslnet.app.rules import Entry
from wslnet.cli.output import SCHEMA_VERSION, printable
from wslnet.netfilter.order import asked, chains_of
from wslnet.netfilter.rules import NFT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wslnet.app.rules import Listed
    from wslnet.netfilter.rules import Chain, Table

_KINDS = frozenset({"filter", "nat"})


@dataclass(frozen=True, slots=True)
class Selection:
    """Which rules are meant: table (`all`), chains (all if empty)."""

    table: str
    chains: frozenset[str]

    def chosen(self, table: Table) -> tuple[Chain, ...]:
        """The chains of a table that are meant, in the table's order."""
        names = tuple(table.chains)
        if self.table not in {"all", table.name}:
            names = chains_of(table, self.table) if table.backend == NFT and self.table in _KINDS else ()
        return tuple(table.chains[name] for name in names if not self.chains or name in self.chains)


def lines(listed: Listed, selection: Selection) -> Iterator[str]:
    """Per machine and chain, its rules: number, id, packets, bytes, words, owner."""
    for machine, tables in listed.tables.items():
        for table in tables:
            for chain in selection.chosen(table):
                yield printable(_heading(machine, table, chain))
                for rule in chain.listed:
                    yield printable(f"  {_row(Entry(machine, table, chain, rule))}")
    yield from _unseen(listed)


def ordered_lines(listed: Listed, selection: Selection) -> Iterator[str]:
    """Per machine, what a forwarded packet meets: chains by priority, jumps unfolded where they stand."""
    for machine, tables in listed.tables.items():
        bases = [
            (table, chain) for table in tables for chain in selection.chosen(table) if chain.hook == "forward"
        ]
        for table, base in sorted(bases, key=lambda pair: pair[1].priority or 0):
            yield printable(_heading(machine, table, base))
            numbers: set[tuple[str, int, int]] = set()
            for one in asked(table, base.name):
                if (one.chain, one.rule.number, one.depth) not in numbers:
                    numbers.add((one.chain, one.rule.number, one.depth))
                    entry = Entry(machine, table, table.chains[one.chain], one.rule)
                    inner = f"{one.chain} " if one.depth else ""
                    yield printable(f"  {'  ' * one.depth}{inner}{_row(entry)}")
            yield f"  then: {base.policy or 'ACCEPT'}"
    yield from _unseen(listed)


def document(listed: Listed, selection: Selection) -> dict[str, object]:
    """The same facts for `--json`; an empty chain stands in `chains` only."""
    chains: list[dict[str, object]] = []
    found: list[dict[str, object]] = []
    for machine, tables in listed.tables.items():
        for table in tables:
            for chain in selection.chosen(table):
                place = {
                    "machine": machine,
                    "backend": table.backend,
                    "family": table.family,
                    "table": table.name,
                    "chain": chain.name,
                }
                base = {"hook": chain.hook, "priority": chain.priority, "policy": chain.policy}
                chains.append({**place, **base, "kind": chain.kind})
                found += [{**place, **_fields(Entry(machine, table, chain, one))} for one in chain.listed]
    unseen = [
        {"machine": name, "code": one.code, "reason": one.reason} for name, one in listed.unseen.items()
    ]
    return {"schema_version": SCHEMA_VERSION, "chains": chains, "rules": found, "unseen": unseen}


def _fields(entry: Entry) -> dict[str, object]:
    rule = entry.rule
    return {
        "number": rule.number,
        "id": entry.id,
        "text": rule.text,
        "act": str(rule.act),
        "target": rule.target,
        "packets": rule.packets,
        "bytes": rule.bytes,
        "comment": rule.comment,
        "owner": entry.owner,
    }


def _heading(machine: str, table: Table, chain: Chain) -> str:
    asks = "" if chain.hook is None else f", hook {chain.hook} {chain.priority}"
    policy = "" if chain.policy is None else f", policy {chain.policy}"
    return f"{machine} {table.backend} {table.family} {table.name} {chain.name}{asks}{policy}"


def _row(entry: Entry) -> str:
    rule = entry.rule
    packets, size = ("-" if one is None else str(one) for one in (rule.packets, rule.bytes))
    owner = f"  [{entry.owner}]" if entry.owner else ""
    text = rule.text or "(matches all, does nothing)"
    return f"{rule.number:>3} {entry.id} {packets:>7} {size:>9}  {text}{owner}"


def _unseen(listed: Listed) -> Iterator[str]:
    for name, one in listed.unseen.items():
        yield printable(f"{name}: not seen ({one.code}: {one.reason})")
