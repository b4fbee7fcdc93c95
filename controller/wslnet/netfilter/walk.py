"""Walks a new connection's first packet through a chain and says which rule decides.

Only the matches that appear in forwarding rules of libvirt, Docker and ours are decided; a rule with any
other match is `unknown` for the packet, and the walk says so instead of guessing.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wslnet.netfilter.ruleset import RuleLine, Table

_FINAL = frozenset({"ACCEPT", "DROP", "REJECT"})
_PROTOCOLS = {"1": "icmp", "6": "tcp", "17": "udp", "0": "all"}
_JUMP_LIMIT = 32


@dataclass(frozen=True, slots=True)
class Packet:
    """The first packet of a connection on its way through a forwarding machine."""

    src: str
    dst: str
    iif: str
    oif: str
    proto: str = "icmp"
    dport: int | None = None
    state: str = "NEW"


@dataclass(frozen=True, slots=True)
class Verdict:
    """How the walk ended: ACCEPT, DROP, REJECT or UNKNOWN; `rule` is None when the policy decided."""

    target: str
    chain: str
    rule: RuleLine | None = None

    @property
    def passes(self) -> bool:
        """Whether the packet is let through for certain."""
        return self.target == "ACCEPT"


class _Match(Enum):
    YES = 1
    NO = 2
    UNKNOWN = 3


def walk(table: Table, chain: str, packet: Packet) -> Verdict:
    """The verdict of `chain` on `packet`; a chain that does not exist accepts.

    Returns:
        UNKNOWN with the rule in question when a rule that could decide cannot be evaluated.
    """
    start = table.chains.get(chain)
    if start is None:
        return Verdict("ACCEPT", chain)
    return _walk_chain(table, chain, packet, 0) or Verdict(start.policy or "ACCEPT", chain)


def _walk_chain(table: Table, name: str, packet: Packet, depth: int) -> Verdict | None:
    chain = table.chains.get(name)
    if chain is None or depth > _JUMP_LIMIT:
        return None
    for rule in chain.rules:
        matched = _matches(rule, packet)
        target = rule.target
        if matched is _Match.NO or target is None:
            continue
        if matched is _Match.UNKNOWN:
            if target in {"RETURN", *_FINAL} or target in table.chains:
                return Verdict("UNKNOWN", name, rule)
            continue
        if target in _FINAL:
            return Verdict(target, name, rule)
        if target == "RETURN":
            return None
        inner = _walk_chain(table, target, packet, depth + 1)
        if inner is not None or rule.goes:
            return inner
    return None


def _matches(rule: RuleLine, packet: Packet) -> _Match:
    words = list(rule.spec)
    result = _Match.YES
    index = 0
    negated = False
    while index < len(words):
        word = words[index]
        if word == "!":
            negated = True
            index += 1
            continue
        if word in {"-j", "-g", "--jump", "--goto"}:
            break
        value = words[index + 1] if index + 1 < len(words) else ""
        verdict = _match_one(word, value, packet)
        index += 2
        if negated and verdict is not _Match.UNKNOWN:
            verdict = _Match.NO if verdict is _Match.YES else _Match.YES
        negated = False
        if verdict is _Match.NO:
            return _Match.NO
        if verdict is _Match.UNKNOWN:
            result = _Match.UNKNOWN
    return result


def _match_one(option: str, value: str, packet: Packet) -> _Match:
    match option:
        case "-i" | "--in-interface":
            known = _interface(value, packet.iif)
        case "-o" | "--out-interface":
            known = _interface(value, packet.oif)
        case "-s" | "--source":
            known = _inside(packet.src, value)
        case "-d" | "--destination":
            known = _inside(packet.dst, value)
        case "-p" | "--protocol":
            known = _PROTOCOLS.get(value, value) in {packet.proto, "all"}
        case "--ctstate" | "--state":
            known = packet.state in value.split(",")
        case "--dport":
            low, _, high = value.partition(":")
            known = packet.dport is not None and int(low) <= packet.dport <= int(high or low)
        case "-m" | "--match" | "--comment":
            known = True
        case _:
            return _Match.UNKNOWN
    return _Match.YES if known else _Match.NO


def _interface(pattern: str, name: str) -> bool:
    return name.startswith(pattern[:-1]) if pattern.endswith("+") else name == pattern


def _inside(address: str, network: str) -> bool:
    return ipaddress.ip_address(address) in ipaddress.ip_network(network, strict=False)
