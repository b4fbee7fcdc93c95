"""The firewall of a machine as a whole: the tables of all its back ends, each of them once. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wslnet.netfilter.nft_text import parse_ruleset
from wslnet.netfilter.rules import NFT, Chain, Table
from wslnet.netfilter.ruleset import parse_save

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wslnet.model.linux_network import Firewall

LEGACY = "iptables-legacy"
IPTABLES_NFT = "iptables-nft"

_FAMILIES = {4: "ip", 6: "ip6"}
_EVERYBODYS = "inet"


@dataclass(frozen=True, slots=True)
class Base:
    """A chain that the kernel asks by itself, and the table it stands in."""

    table: Table
    chain: Chain

    @property
    def filters(self) -> bool:
        """Whether it can stop anything."""
        return bool(self.chain.rules) or self.chain.policy == "DROP"


def tables(firewall: Firewall, family: int = 4) -> tuple[Table, ...]:
    """What all back ends have for IPv4 (4) or IPv6 (6).

    iptables-nft keeps its rules in tables of nftables, so nft shows them too: they are iptables' own here,
    and what else somebody put into such a table is nft's. A table that iptables cannot show is all nft's.
    """
    name = _FAMILIES[family]
    saved = [
        table
        for backend, texts in firewall.backends.items()
        for table in parse_save(texts.get(str(family)) or "", backend, name).values()
    ]
    shown = {table.name: table for table in saved if table.backend == IPTABLES_NFT}
    native = [table for table in parse_ruleset(firewall.nft or "") if table.family in {name, _EVERYBODYS}]
    rest = (_without(table, shown.get(table.name)) if table.family == name else table for table in native)
    return (*saved, *(table for table in rest if table.chains))


def base_chains(firewall: Firewall, hook: str, family: int = 4) -> tuple[Base, ...]:
    """The chains of a hook (`forward`, `input` …) in the order in which the kernel asks them.

    A packet must pass them all: an accept in one does not keep the next from rejecting (linux-facts B2).
    """
    found = [Base(table, chain) for table in tables(firewall, family) for chain in _bases(table, hook)]
    return tuple(sorted(found, key=lambda base: base.chain.priority or 0))


def rule_users(firewall: Firewall, family: int = 4) -> dict[str, tuple[Table, ...]]:
    """By back end, its tables with a rule or a policy that is not ACCEPT; those without are left out."""
    found: dict[str, tuple[Table, ...]] = {}
    for table in tables(firewall, family):
        if any(chain.rules or chain.policy == "DROP" for chain in table.chains.values()):
            found[table.backend] = (*found.get(table.backend, ()), table)
    return found


def _bases(table: Table, hook: str) -> Iterator[Chain]:
    return (chain for chain in table.chains.values() if chain.hook == hook)


def _without(native: Table, shown: Table | None) -> Table:
    names = shown.chains if shown is not None else {}
    left = {name: chain for name, chain in native.chains.items() if name not in names}
    return Table(native.name, left, NFT, native.family, native.locked)
