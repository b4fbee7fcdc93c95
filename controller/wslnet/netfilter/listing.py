"""Reads what people paste: the listing of `iptables -L`, with or without -v, -n and numbers. Pure.

A listing says less than saved rules: without -v it hides the interfaces, so every rule may mean less than it
shows; names and rounded counters are taken as they stand. Nothing is ever deleted by it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from wslnet.netfilter.iptables_words import BUILT_IN
from wslnet.netfilter.nft_text import parse_ruleset
from wslnet.netfilter.rules import Act, Chain, Field, Match, Rule, Table
from wslnet.netfilter.ruleset import hooked, parse_save

if TYPE_CHECKING:
    from collections.abc import Sequence

_HEAD = re.compile(r"^Chain (?P<name>\S+) \((?:policy (?P<policy>\w+)|.*references)")
_COLUMNS = re.compile(
    r"^\s*(?P<num>num\s+)?(?P<pkts>pkts\s+bytes\s+)?target\s+prot\s+opt\s+(?P<links>in\s+out\s+)?source"
)
_COMMENT = re.compile(r"/\* (?P<text>.*?) \*/")
_PROTOCOLS = {"all": "all", "0": "all", "1": "icmp", "6": "tcp", "17": "udp"}
_KNOWN_PROTOCOLS = frozenset(
    {*_PROTOCOLS, "tcp", "udp", "icmp", "icmpv6", "ipv6-icmp", "sctp", "esp", "ah", "gre"}
)
_OPTIONS = frozenset({"--", "-f", "!f"})
_ANY = frozenset({"*", "any", "anywhere", "0.0.0.0/0", "::/0"})
_UNITS = {"K": 1000, "M": 1000**2, "G": 1000**3, "T": 1000**4}
# Protocol, source, destination: fewer words behind number and counters are a line that was cut.
_LEAST_WORDS = 3
_GOTO = "[goto]"
_TESTS = {"ctstate": Field.STATE, "state": Field.STATE}
_PORTS = {"dpt": Field.DPORT, "dpts": Field.DPORT, "spt": Field.SPORT, "spts": Field.SPORT}
# What stands behind the destination and asks nothing of the packet.
_TARGETS_OWN = ("reject-with", "to:", "masq", "LOG", "MARK", "CONNMARK", "CHECKSUM", "TCPMSS", "redir")


def read_any(text: str) -> tuple[Table, ...]:
    """Tables of saved rules, of a listing, or of nft's ruleset, told by how the lines begin."""
    lines = text.splitlines()
    if any(line.startswith("table ") for line in lines):
        return parse_ruleset(text)
    if any(_HEAD.match(line) for line in lines):
        return (parse_listing(text),)
    return tuple(parse_save(text).values())


def parse_listing(text: str) -> Table:
    """The chains of a listing; of which table they are, their names tell. What is no rule is left out."""
    policies: dict[str, str | None] = {}
    rules: dict[str, list[Rule]] = {}
    name: str | None = None
    columns: re.Match[str] | None = None
    for line in text.splitlines():
        head = _HEAD.match(line)
        if head is not None:
            name, columns = head["name"], None
            policies[name], rules[name] = head["policy"], []
        elif columns is None:
            columns = _COLUMNS.match(line)
        elif name is not None and _is_whole(line, columns):
            rules[name].append(_rule(len(rules[name]) + 1, line, columns))
    table = _table_of(frozenset(policies))
    chains: dict[str, Chain] = {
        each: hooked(table, each, policy, tuple(rules[each])) for each, policy in policies.items()
    }
    return Table(table, chains, "iptables")


def _table_of(chains: frozenset[str]) -> str:
    if "FORWARD" in chains:
        return "mangle" if "PREROUTING" in chains else "filter"
    if "POSTROUTING" in chains:
        return "nat"
    return "raw" if "PREROUTING" in chains else "filter"


def _is_whole(line: str, columns: re.Match[str]) -> bool:
    before = (1 if columns["num"] else 0) + (2 if columns["pkts"] else 0)
    return len(line.split()) >= before + _LEAST_WORDS


def _rule(number: int, line: str, columns: re.Match[str]) -> Rule:
    words = line.split()
    if columns["num"]:
        del words[0]
    packets = size = None
    if columns["pkts"]:
        packets, size = _count(words[0]), _count(words[1])
        del words[:2]
    has_target = not (words[0] in _KNOWN_PROTOCOLS and (len(words) == 1 or words[1] not in _KNOWN_PROTOCOLS))
    target = words.pop(0) if has_target else None
    shown = " ".join([target or "", *words]).strip()
    protocol = words.pop(0)
    if words and words[0] in _OPTIONS:
        del words[0]
    matches: list[Match] = []
    if _PROTOCOLS.get(protocol) != "all":
        matches.append(Match(Field.PROTO, (_PROTOCOLS.get(protocol, protocol),)))
    fields = (Field.IIF, Field.OIF, Field.SRC, Field.DST) if columns["links"] else (Field.SRC, Field.DST)
    matches += [one for field, word in zip(fields, words, strict=False) for one in _match(field, word)]
    if not columns["links"]:
        matches.append(Match(Field.UNKNOWN, ("interfaces, which are shown with -v only",)))
    rest = words[len(fields) :]
    said = _COMMENT.search(line)
    matches += _further(_COMMENT.sub("", " ".join(rest)).split())
    act = _act(target, goes=_GOTO in rest)
    name = None if act.is_final or act is Act.RETURN else target
    return Rule(
        number,
        tuple(shown.split()),
        shown,
        tuple(matches),
        act,
        name,
        packets,
        size,
        said["text"] if said else None,
    )


def _count(word: str) -> int | None:
    number, unit = (word[:-1], word[-1]) if word[-1:] in _UNITS else (word, "")
    return int(number) * _UNITS.get(unit, 1) if number.isdigit() else None


def _match(field: Field, word: str) -> list[Match]:
    return [] if word in _ANY else [Match(field, (word.removeprefix("!"),), word.startswith("!"))]


def _further(words: Sequence[str]) -> list[Match]:
    """The conditions behind the destination; one that is not understood is unknown."""
    found: list[Match] = []
    index = 0
    while index < len(words):
        word = words[index]
        key, _, value = word.partition(":")
        if word in _TESTS and index + 1 < len(words):
            found.append(Match(_TESTS[word], tuple(words[index + 1].split(","))))
            index += 1
        elif word == "ADDRTYPE" and list(words[index + 1 : index + 3]) == ["match", "dst-type"]:
            found.append(Match(Field.DST_TYPE, tuple(words[index + 3 : index + 4])))
            index += 3
        elif key in _PORTS and value:
            found.append(Match(_PORTS[key], (value.replace(":", "-"),)))
        elif word.startswith(_TARGETS_OWN):
            break
        elif word not in _KNOWN_PROTOCOLS and word != _GOTO:
            found.append(Match(Field.UNKNOWN, (word,)))
        index += 1
    return found


def _act(target: str | None, *, goes: bool) -> Act:
    if target is None or (target in BUILT_IN and not goes):
        return Act.OTHER
    if goes:
        return Act.GOTO
    return Act(target) if target in {"ACCEPT", "DROP", "REJECT", "RETURN"} else Act.JUMP
