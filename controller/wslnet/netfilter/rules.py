"""What every back end's rules are decoded to: tables, chains, rules, matches. Data only.

iptables and nftables say the same things in different words; a rule keeps its exact words beside what they
mean, so that it can be shown and deleted as it is and judged as any other.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from enum import StrEnum

NFT = "nft"
"""Back end of what `nft` alone shows; the others are called by their program (`iptables-legacy`)."""

ID_LENGTH = 8

OWN_MARK = "wslnet:"
"""How the comment of every rule of ours begins."""


class Act(StrEnum):
    """What a rule does with a packet that it matches; `OTHER` lets it go on to the next rule."""

    ACCEPT = "ACCEPT"
    DROP = "DROP"
    REJECT = "REJECT"
    RETURN = "RETURN"
    JUMP = "jump"
    GOTO = "goto"
    OTHER = "other"

    @property
    def is_final(self) -> bool:
        """Whether it ends the walk through its base chain."""
        return self in {Act.ACCEPT, Act.DROP, Act.REJECT}


class Field(StrEnum):
    """What a match looks at. `UNKNOWN` is a match that wslnet does not evaluate."""

    IIF = "iif"
    OIF = "oif"
    SRC = "src"
    DST = "dst"
    PROTO = "proto"
    SPORT = "sport"
    DPORT = "dport"
    STATE = "state"
    ICMP_TYPE = "icmp type"
    FAMILY = "family"
    DST_TYPE = "dst type"
    BRIDGED = "bridged"
    TRANSLATED = "translated"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Match:
    """One condition: the field has one of `values`, or none of them when `negated`."""

    field: Field
    values: tuple[str, ...] = ()
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule.

    Attributes:
        number: Its place in the chain, from 1. The entries of one verdict map share a number.
        spec: Its words: arguments without `-A CHAIN`, or the statements of nft without counters and handle.
        text: The words as one types them.
        matches: All must hold.
        act: What then happens.
        target: The chain of a jump, or the name of what `OTHER` does (`MASQUERADE`, `LOG`), or None.
        packets: Its counters, None where it has none.
    """

    number: int
    spec: tuple[str, ...]
    text: str
    matches: tuple[Match, ...] = ()
    act: Act = Act.OTHER
    target: str | None = None
    packets: int | None = None
    bytes: int | None = None
    comment: str | None = None

    @property
    def ours(self) -> bool:
        """Whether its comment says that wslnet made it."""
        return (self.comment or "").startswith(OWN_MARK)

    def values(self, field: Field) -> tuple[str, ...]:
        """What it wants of a field; empty if it does not ask, or wants the opposite."""
        return next((one.values for one in self.matches if one.field is field and not one.negated), ())


@dataclass(frozen=True, slots=True)
class Chain:
    """A chain. What stands below `rules` is None where it is only jumped to; `kind`: filter, nat or route."""

    name: str
    policy: str | None = None
    rules: tuple[Rule, ...] = ()
    hook: str | None = None
    priority: int | None = None
    kind: str | None = None

    @property
    def listed(self) -> tuple[Rule, ...]:
        """Its rules, each number once."""
        return tuple({rule.number: rule for rule in self.rules[::-1]}.values())[::-1]


@dataclass(frozen=True, slots=True)
class Table:
    """One table of one back end; `family` is `ip`, `ip6`, `inet`, `bridge` … as nft calls it.

    `locked`: its owner lets nobody else change it (nft's flag `owner`).
    """

    name: str
    chains: dict[str, Chain] = field(default_factory=dict)
    backend: str = ""
    family: str = "ip"
    locked: bool = False

    @property
    def title(self) -> str:
        """How evidence calls it: `filter`; `ip libvirt_network` where only nft shows it."""
        if self.backend == NFT:
            return f"{self.family} {self.name}"
        return f"iptables-legacy {self.name}" if self.backend == "iptables-legacy" else self.name


@dataclass(frozen=True, slots=True)
class Place:
    """A chain by name: back end (empty: the one in use), family as nft calls it, table, chain."""

    backend: str
    family: str
    table: str
    chain: str

    def __str__(self) -> str:
        if self.backend == NFT:
            return f"{self.family} {self.table} {self.chain}"
        legacy = "iptables-legacy " if self.backend == "iptables-legacy" else ""
        return f"{legacy}{self.table} {self.chain}"


def rule_id(place: Place, text: str) -> str:
    """A name for exactly this rule in this chain that does not change when others come and go."""
    whole = f"{place.backend}\0{place.family}\0{place.table}\0{place.chain}\0{text}"
    return hashlib.sha256(whole.encode()).hexdigest()[:ID_LENGTH]
