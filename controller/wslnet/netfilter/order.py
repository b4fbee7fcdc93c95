"""In which order the kernel asks the rules of a chain: jumps unfolded where they stand. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wslnet.netfilter.rules import Act

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wslnet.netfilter.rules import Rule, Table


@dataclass(frozen=True, slots=True)
class Asked:
    """One rule in its place: the chain it stands in, and through how many jumps it is reached."""

    chain: str
    rule: Rule
    depth: int


def asked(table: Table, chain: str, _through: tuple[str, ...] = ()) -> Iterator[Asked]:
    """The rules of `chain` and of all chains that it leads to; a chain that calls itself is not followed."""
    here = table.chains.get(chain)
    if here is None or chain in _through:
        return
    for rule in here.rules:
        yield Asked(chain, rule, len(_through))
        if rule.act in {Act.JUMP, Act.GOTO} and rule.target is not None:
            yield from asked(table, rule.target, (*_through, chain))


def chains_of(table: Table, kind: str) -> tuple[str, ...]:
    """The chains of one kind (`filter`, `nat`): those that the kernel asks by itself, and where they lead to.

    A table in which nothing is asked by itself belongs to none.
    """
    bases = [chain.name for chain in table.chains.values() if chain.kind == kind]
    led = {one.rule.target for base in bases for one in asked(table, base)} | {*bases}
    return tuple(name for name in table.chains if name in led)
