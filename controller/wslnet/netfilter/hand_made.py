"""Which rules of a saved ruleset somebody put there by hand, and where they belong beside the others.

WSL, libvirt, Docker and their like make their chains and rules anew at each start (wsl-guest-facts 5, note
000); those are told by their names and forms and left out.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from wslnet.model.captured import KeptRules, Spec
from wslnet.netfilter.rules import NFT
from wslnet.netfilter.ruleset import parse_save
from wslnet.netfilter.view import tables

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from wslnet.model.linux_facts import LinuxFacts
    from wslnet.netfilter.rules import Chain, Rule, Table

OWN_COMMENT = "wslnet:"
_MAKERS = (
    "WSLOUTPUT", "WSLPOSTROUTING", "LIBVIRT_", "DOCKER", "CNI-", "KUBE-", "NETAVARK", "CALI", "FLANNEL",
    "CILIUM", "ts-", "f2b-", "ufw-", "ufw6-",
)  # fmt: skip
_USERS_OWN = "DOCKER-USER"
"""The chain that Docker makes for rules of the user, with one RETURN in it."""

_BRIDGE = re.compile(r"\b(virbr\d+|docker\d+|br-[0-9a-f]{12})\b")
_NETWORK = re.compile(r"\b(?!224\.|255\.)\d+(\.\d+){3}/\d+\b")
_OF_BRIDGE = frozenset(
    {
        # libvirt before its own chains, straight in INPUT, FORWARD, OUTPUT and POSTROUTING (note 000).
        *(
            f"-i BR -p {proto} -m {proto} --dport {port} -j ACCEPT"
            for proto in ("tcp", "udp")
            for port in (53, 67)
        ),
        "-d NET -o BR -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
        "-s NET -i BR -j ACCEPT",
        "-i BR -o BR -j ACCEPT",
        "-o BR -j REJECT --reject-with icmp-port-unreachable",
        "-i BR -j REJECT --reject-with icmp-port-unreachable",
        "-o BR -p udp -m udp --dport 68 -j ACCEPT",
        "-o BR -p udp -m udp --dport 68 -j CHECKSUM --checksum-fill",
        "-s NET -d 224.0.0.0/24 -j RETURN",
        "-s NET -d 255.255.255.255/32 -j RETURN",
        "-s NET ! -d NET -p tcp -j MASQUERADE --to-ports 1024-65535",
        "-s NET ! -d NET -p udp -j MASQUERADE --to-ports 1024-65535",
        "-s NET ! -d NET -j MASQUERADE",
        # Docker, beside its chains.
        "-o BR -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
        "-i BR ! -o BR -j ACCEPT",
        "-s NET ! -o BR -j MASQUERADE",
        "-s NET -o BR -j MASQUERADE",
    }
)


def chains(machine: str, facts: LinuxFacts) -> Iterator[KeptRules]:
    """Every chain with rules by hand or of wslnet, for each back end and family that could be read.

    In tables that only nft shows, which programs make as a whole, only those of wslnet are told.
    """
    firewall = facts.firewall
    if firewall is None:
        return
    for table in (one for one in tables(firewall) if one.backend == NFT):
        for chain in table.chains.values():
            order = tuple((rule.text,) for rule in chain.listed)
            own = tuple(place for place, rule in enumerate(chain.listed) if rule.ours)
            if own:
                yield KeptRules(machine, NFT, 4, table.title, chain.name, order, own=own)
    saved = (
        (backend, family, table)
        for backend, texts in firewall.backends.items()
        for family in (4, 6)
        for table in parse_save(texts.get(str(family), "")).values()
    )
    for backend, family, table in saved:
        for chain in table.chains.values():
            kept = _chain(machine, backend, family, table, chain)
            if kept.foreign or kept.own or kept.made:
                yield kept


def _chain(machine: str, backend: str, family: int, table: Table, chain: Chain) -> KeptRules:
    order = tuple(rule.spec for rule in chain.rules)
    made = chain.policy is None and not chain.name.startswith(_MAKERS)
    own = tuple(place for place, rule in enumerate(chain.rules) if _is_own(rule))
    foreign: tuple[int, ...] = ()
    if chain.name == _USERS_OWN or not chain.name.startswith(_MAKERS):
        foreign = tuple(_by_hand(chain, set(own)))
    return KeptRules(machine, backend, family, table.name, chain.name, order, foreign, own, made)


def _by_hand(chain: Chain, own: set[int]) -> Iterator[int]:
    copies = Counter(rule.spec for rule in chain.rules)
    seen: Counter[Spec] = Counter()
    for place, rule in enumerate(chain.rules):
        seen[rule.spec] += 1
        if place in own or (rule.target or "").startswith(_MAKERS):
            continue
        if chain.name == _USERS_OWN and rule.spec == ("-j", "RETURN"):
            continue
        # libvirt makes each of its rules once: a further copy is somebody's, such as the note's own accept.
        if _is_of_bridge(rule) and seen[rule.spec] == copies[rule.spec]:
            continue
        yield place


def _is_own(rule: Rule) -> bool:
    return (rule.comment or "").startswith(OWN_COMMENT)


def _is_of_bridge(rule: Rule) -> bool:
    return _NETWORK.sub("NET", _BRIDGE.sub("BR", " ".join(rule.spec))) in _OF_BRIDGE


def insertions(
    order: Sequence[Spec], wanted: Sequence[int], present: Sequence[Spec]
) -> list[tuple[int, Spec]]:
    """What to insert into `present`, one after the other: position (from 1) and rule.

    Each of `wanted` (places in `order`) goes below the nearest rule that stood above it and is there again,
    else to the head. What is there again, wherever, is not made twice.
    """
    again = _again(order, present)
    missing = Counter(order) - Counter(present)
    todo: list[tuple[int, Spec]] = []
    above = 0
    for place, spec in enumerate(order):
        if place in again:
            above = again[place] + 1
        elif place in wanted and missing[spec] > 0:
            missing[spec] -= 1
            todo.append((above + len(todo) + 1, spec))
    return todo


def _again(order: Sequence[Spec], present: Sequence[Spec]) -> dict[int, int]:
    """Places in `order` to places in `present`: the longest common subsequence of the two chains."""
    longest = [[0] * (len(present) + 1) for _ in range(len(order) + 1)]
    for one in range(len(order) - 1, -1, -1):
        for other in range(len(present) - 1, -1, -1):
            longest[one][other] = (
                longest[one + 1][other + 1] + 1
                if order[one] == present[other]
                else max(longest[one + 1][other], longest[one][other + 1])
            )
    found: dict[int, int] = {}
    one = other = 0
    while one < len(order) and other < len(present):
        if order[one] == present[other]:
            found[one] = other
            one, other = one + 1, other + 1
        elif longest[one + 1][other] >= longest[one][other + 1]:
            one += 1
        else:
            other += 1
    return found
