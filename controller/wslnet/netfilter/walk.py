"""Walks a new connection's first packet through a chain and says which rule decides.

A match that wslnet does not evaluate is not guessed: where it makes a difference the verdict is UNKNOWN and
names the rule in question.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from wslnet.netfilter.rules import Act, Field

if TYPE_CHECKING:
    from collections.abc import Callable

    from wslnet.netfilter.rules import Match, Rule, Table

UNKNOWN = "UNKNOWN"

_DEEPEST = 32


@dataclass(frozen=True, slots=True)
class Packet:
    """The first packet of a connection on its way through a forwarding machine; `sport` None: any."""

    src: str
    dst: str
    iif: str
    oif: str
    proto: str = "icmp"
    dport: int | None = None
    state: str = "NEW"
    sport: int | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """How the walk ended: ACCEPT, DROP, REJECT or UNKNOWN; `rule` is None when the policy decided."""

    target: str
    chain: str
    rule: Rule | None = None

    @property
    def passes(self) -> bool:
        """Whether the packet is let through for certain."""
        return self.target == Act.ACCEPT


class _Fits(Enum):
    YES = 1
    NO = 2
    UNKNOWN = 3


@dataclass
class _Walk:
    """One walk: the table, the packet, and verdicts that hold only if an unknown match fits."""

    table: Table
    packet: Packet
    maybe: list[Verdict] = field(default_factory=list)


def walk(table: Table, chain: str, packet: Packet) -> Verdict:
    """The verdict of `chain` on `packet`; a chain that does not exist accepts.

    Returns:
        UNKNOWN with the rule in question when one that cannot be evaluated makes a difference.
    """
    start = table.chains.get(chain)
    if start is None:
        return Verdict(Act.ACCEPT, chain)
    going = _Walk(table, packet)
    end = _through(going, chain, 0) or Verdict(start.policy or Act.ACCEPT, chain)
    doubt = next((one for one in going.maybe if one.passes != end.passes), None)
    return end if doubt is None else Verdict(UNKNOWN, doubt.chain, doubt.rule)


def _through(going: _Walk, name: str, depth: int) -> Verdict | None:
    """What the chain says, None if it returns to its caller."""
    chain = going.table.chains.get(name)
    if chain is None or depth > _DEEPEST:
        return None
    may_have_left = False
    for rule in chain.rules:
        fits = _fits(rule, going.packet)
        if fits is _Fits.NO or rule.act is Act.OTHER:
            continue
        verdict: Verdict | None = None
        if rule.act.is_final:
            verdict = Verdict(rule.act, name, rule)
        elif rule.act in {Act.JUMP, Act.GOTO}:
            verdict = _through(going, rule.target or "", depth + 1)
        if verdict is not None:
            if fits is _Fits.YES and not may_have_left:
                return verdict
            going.maybe.append(verdict)
        if fits is _Fits.YES and (verdict is not None or rule.act is not Act.JUMP):
            # Whoever has not left the chain before does so here.
            return None
        may_have_left = may_have_left or (verdict is None and rule.act is not Act.JUMP)
    return None


def _fits(rule: Rule, packet: Packet) -> _Fits:
    result = _Fits.YES
    for match in rule.matches:
        found = _evaluate(match, packet)
        if found is None:
            result = _Fits.UNKNOWN
        elif not found:
            return _Fits.NO
    return result


def _evaluate(match: Match, packet: Packet) -> bool | None:
    test = _TESTS.get(match.field)
    if test is None:
        return None
    answers = [test(value, packet) for value in match.values]
    if any(answers):
        return not match.negated
    return None if None in answers else match.negated


def _interface(pattern: str, name: str) -> bool:
    wild = pattern.endswith(("+", "*"))
    return name.startswith(pattern[:-1]) if wild else name == pattern


def _inside(address: str, network: str) -> bool | None:
    low, _, high = network.partition("-")
    try:
        one = ipaddress.ip_address(address)
        if high:
            first, last = ipaddress.ip_address(low), ipaddress.ip_address(high)
            return one.version == first.version and int(first) <= int(one) <= int(last)
        return one in ipaddress.ip_network(low, strict=False)
    except ValueError:
        return None


def _port(value: str, port: int | None) -> bool | None:
    low, _, high = value.partition("-")
    if port is None:
        return False
    if not low.isdigit() or not (high or low).isdigit():
        # A service by name: whose port it is stands in the machine's own /etc/services.
        return None
    return int(low) <= port <= int(high or low)


def _source_port(value: str, packet: Packet) -> bool | None:
    if packet.sport is not None or packet.dport is None:
        return _port(value, packet.sport)
    # A client may have any source port.
    return None


_TESTS: dict[Field, Callable[[str, Packet], bool | None]] = {
    Field.IIF: lambda value, packet: _interface(value, packet.iif),
    Field.OIF: lambda value, packet: _interface(value, packet.oif),
    Field.SRC: lambda value, packet: _inside(packet.src, value),
    Field.DST: lambda value, packet: _inside(packet.dst, value),
    Field.PROTO: lambda value, packet: value in {packet.proto, "all"},
    Field.DPORT: lambda value, packet: _port(value, packet.dport),
    Field.SPORT: _source_port,
    Field.STATE: lambda value, packet: value.upper() == packet.state,
    Field.ICMP_TYPE: lambda value, packet: packet.proto == "icmp" and value in {"8", "echo-request", "any"},
    Field.FAMILY: lambda value, packet: value == ("ip6" if ":" in packet.dst else "ip"),
    # What is forwarded is neither for this machine nor for a group, nor does it stay on one bridge.
    Field.DST_TYPE: lambda value, _: value.upper() == "UNICAST",
    Field.BRIDGED: lambda _, __: False,
    # Nobody translated the way to a VM; what is published is another connection.
    Field.TRANSLATED: lambda _, __: False,
}
