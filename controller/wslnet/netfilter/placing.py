"""Where an accept for forwarded packets must stand to win, found by trying: in a copy, with a walk. Pure.

An accept only ever goes into a chain that decides already. A base chain of our own could not win against a
reject in another one (linux-facts B2).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from wslnet.netfilter.rules import NFT, Act, Field, Match, Place, Rule, Table
from wslnet.netfilter.walk import walk

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wslnet.netfilter.view import Base
    from wslnet.netfilter.walk import Packet, Verdict

_FOR_USERS = ("DOCKER-USER",)
"""Chains that their owners leave to users and ask before their own; what stands there outlives a restart."""


USUAL = Place("", "ip", "filter", "FORWARD")
"""The chain that everybody thinks of first, in the back end that is in use."""


@dataclass(frozen=True, slots=True)
class Stop:
    """Where packets end that should pass: the base chain, and what decided in it or below it."""

    base: Base
    verdict: Verdict


def place_of(base: Base) -> Place:
    """The name of a base chain."""
    return Place(base.table.backend, base.table.family, base.table.name, base.chain.name)


def first_stop(base: Base, packets: Sequence[Packet]) -> Stop | None:
    """Where the first of the packets ends that the chain does not let through; None if all pass."""
    verdicts = (walk(base.table, base.chain.name, packet) for packet in packets)
    return next((Stop(base, one) for one in verdicts if not one.passes), None)


def winning_chain(base: Base, src: str, dst: str, packets: Sequence[Packet]) -> str | None:
    """The chain at whose head an accept from `src` to `dst` lets all packets through, if there is one."""
    accept = Rule(0, (), "", (Match(Field.SRC, (src,)), Match(Field.DST, (dst,))), Act.ACCEPT)
    return head_that_wins(base, accept, packets)


def head_that_wins(base: Base, accept: Rule, packets: Sequence[Packet]) -> str | None:
    """The chain at whose head the rule `accept` lets all packets through, if there is one."""
    users = (name for name in _FOR_USERS if base.table.backend != NFT and name in base.table.chains)
    for name in (*users, base.chain.name):
        tried = _with_first(base.table, name, accept)
        if all(walk(tried, base.chain.name, packet).passes for packet in packets):
            return name
    return None


def _with_first(table: Table, chain: str, rule: Rule) -> Table:
    here = table.chains[chain]
    return replace(table, chains={**table.chains, chain: replace(here, rules=(rule, *here.rules))})
