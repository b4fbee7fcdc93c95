"""What the statements of one nft rule mean. Pure.

Only what appears in forwarding rules of libvirt, Docker, firewalld and iptables-nft is understood; everything
else becomes an unknown match, `# xt_udp` too, which stands where nft cannot print a match of iptables.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from wslnet.netfilter.rules import Act, Field, Match

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_ACTS = {
    "accept": Act.ACCEPT,
    "drop": Act.DROP,
    "reject": Act.REJECT,
    "return": Act.RETURN,
    "jump": Act.JUMP,
    "goto": Act.GOTO,
}
_KEYS: dict[tuple[str, ...], Field] = {
    ("iifname",): Field.IIF,
    ("iif",): Field.IIF,
    ("meta", "iifname"): Field.IIF,
    ("meta", "iif"): Field.IIF,
    ("oifname",): Field.OIF,
    ("oif",): Field.OIF,
    ("meta", "oifname"): Field.OIF,
    ("meta", "oif"): Field.OIF,
    ("ip", "saddr"): Field.SRC,
    ("ip", "daddr"): Field.DST,
    ("ip6", "saddr"): Field.SRC,
    ("ip6", "daddr"): Field.DST,
    ("ip", "protocol"): Field.PROTO,
    ("meta", "l4proto"): Field.PROTO,
    ("meta", "nfproto"): Field.FAMILY,
    ("tcp", "dport"): Field.DPORT,
    ("udp", "dport"): Field.DPORT,
    ("th", "dport"): Field.DPORT,
    ("tcp", "sport"): Field.SPORT,
    ("udp", "sport"): Field.SPORT,
    ("th", "sport"): Field.SPORT,
    ("ct", "state"): Field.STATE,
    ("ct", "status"): Field.TRANSLATED,
    ("icmp", "type"): Field.ICMP_TYPE,
}
_FAMILIES = {"ipv4": "ip", "ipv6": "ip6", "ip": "ip", "ip6": "ip6", "icmp": "ip", "icmpv6": "ip6"}
_TRANSPORTS = {"tcp": "tcp", "udp": "udp", "icmp": "icmp", "icmpv6": "icmpv6"}
_PROTOCOL_NUMBERS = {"1": "icmp", "6": "tcp", "17": "udp"}
_DOES = {"masquerade", "dnat", "snat", "redirect", "queue", "notrack", "tproxy", "dup", "fwd"}
_STATEMENTS = {*_ACTS, *_DOES, "counter", "log", "comment", "continue", "vmap"}


@dataclass(frozen=True, slots=True)
class Sets:
    """Named sets (name → elements) and verdict maps (name → pairs of key and words) of a table."""

    sets: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    maps: Mapping[str, tuple[tuple[str, tuple[str, ...]], ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a rule, or one entry of its verdict map, wants and does."""

    matches: tuple[Match, ...]
    act: Act
    target: str | None = None


def decode(words: Sequence[str], known: Sets) -> tuple[Meaning, ...]:
    """One meaning; of a rule with a verdict map one for each of its entries, in their order."""
    return tuple(_Reader(words, known).read())


class _Reader:
    def __init__(self, words: Sequence[str], known: Sets) -> None:
        self._words = words
        self._known = known
        self._place = 0
        self._matches: list[Match] = []

    def read(self) -> Iterator[Meaning]:
        does: str | None = None
        while (word := self._peek()) is not None:
            if word in _ACTS:
                self._place += 1
                target = self._take() if word in {"jump", "goto"} else None
                yield Meaning(tuple(self._matches), _ACTS[word], target)
                return
            if word == "counter":
                self._skip_counter()
            elif word == "comment":
                self._place += 2
            elif word in _DOES or word == "log":
                does = does or word
                self._skip_to_act()
            elif word == "continue":
                self._place += 1
            else:
                keys = self._match()
                if keys is not None:
                    yield from self._entries(keys)
                    return
        yield Meaning(tuple(self._matches), Act.OTHER, does)

    def _peek(self) -> str | None:
        return self._words[self._place] if self._place < len(self._words) else None

    def _take(self) -> str:
        word = self._peek()
        self._place += 1
        return word or ""

    def _skip_counter(self) -> None:
        self._place += 1
        if self._peek() == "packets":
            self._place += 4

    def _skip_to_act(self) -> None:
        self._place += 1
        while (word := self._peek()) is not None and word not in _ACTS and word != "comment":
            self._place += 1

    def _match(self) -> Field | None:
        """Reads one condition; the field when it is the key of a verdict map."""
        start = self._place
        key = next((key for key in _KEYS if tuple(self._words[start : start + len(key)]) == key), None)
        if key is None:
            self._unknown(start)
            return None
        self._place += len(key)
        found = _KEYS[key]
        if key[0] in _FAMILIES and key[0] != "meta":
            self._matches.append(Match(Field.FAMILY, (_FAMILIES[key[0]],)))
        if key[0] in _TRANSPORTS:
            self._matches.append(Match(Field.PROTO, (_TRANSPORTS[key[0]],)))
        if self._peek() == "vmap":
            self._place += 1
            return found
        negated = self._peek() == "!="
        if self._peek() in {"!=", "=="}:
            self._place += 1
        values = self._values()
        if found is Field.TRANSLATED and set(values) != {"dnat"}:
            found = Field.UNKNOWN
        self._matches.append(Match(found, tuple(_value(found, one) for one in values), negated))
        return None

    def _values(self) -> tuple[str, ...]:
        word = self._take()
        if word.startswith("@"):
            return self._known.sets.get(word[1:], (word,))
        if word != "{":
            return _items(word)
        return tuple(item for one in self._until_brace() for item in _items(one))

    def _until_brace(self) -> list[str]:
        items: list[str] = []
        while (word := self._peek()) is not None and word != "}":
            if plain := word.rstrip(","):
                items.append(plain)
            self._place += 1
        self._place += 1
        return items

    def _unknown(self, start: int) -> None:
        self._place += 1
        depth = 0
        while (word := self._peek()) is not None and (depth or word not in _STATEMENTS):
            depth += (word == "{") - (word == "}")
            self._place += 1
        words = self._words[start : self._place]
        if not _changes_only(words):
            self._matches.append(Match(Field.UNKNOWN, (" ".join(words),)))
        if self._peek() == "vmap":
            self._place += 1
            self._values()

    def _entries(self, key: Field) -> Iterator[Meaning]:
        word = self._take()
        if word.startswith("@"):
            pairs: Sequence[tuple[str, tuple[str, ...]]] = self._known.maps.get(word[1:], ())
        else:
            pairs = entries(self._until_brace())
        for value, verdict in pairs:
            match = Match(key, tuple(_value(key, one) for one in _items(value)))
            act = _ACTS.get(verdict[0], Act.OTHER) if verdict else Act.OTHER
            target = verdict[1] if len(verdict) > 1 else None
            yield Meaning((*self._matches, match), act, target)


def entries(words: Sequence[str]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """The pairs of a verdict map's elements: `"docker0" : jump to_docker`."""
    places = [place for place, word in enumerate(words) if word == ":"]
    pairs = []
    for number, place in enumerate(places):
        end = places[number + 1] - 1 if number + 1 < len(places) else len(words)
        pairs.append((words[place - 1], tuple(words[place + 1 : end])))
    return tuple(pairs)


def _items(word: str) -> tuple[str, ...]:
    return (word,) if word.startswith('"') else tuple(one for one in word.split(",") if one)


def _value(field_: Field, word: str) -> str:
    plain = word.strip('"')
    if field_ is Field.PROTO:
        return _PROTOCOL_NUMBERS.get(plain, plain)
    return _FAMILIES.get(plain, plain) if field_ is Field.FAMILY else plain


def _changes_only(words: Sequence[str]) -> bool:
    """Whether it sets something of the packet and asks nothing (`meta mark set …`, `tcp option … set …`)."""
    return "set" in words[1:] or words[0] in {"flow", "add", "update", "delete"}
