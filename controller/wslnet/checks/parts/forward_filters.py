"""Chains that filter forwarded packets and that `iptables-save` of the back end in use does not show."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from wslnet.netfilter.ruleset import parse_save

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wslnet.model.linux_facts import Firewall, LinuxFacts

_TABLE = re.compile(r"^table (?P<family>\S+) (?P<name>\S+) \{")
_CHAIN = re.compile(r"^\s+chain (?P<name>\S+) \{")
_STOPS = re.compile(r"\b(?:drop|reject)\b")
_SEEN_BY_IPTABLES = "ip filter"


def unread_forward_chains(facts: LinuxFacts) -> tuple[str, ...]:
    """In words, native nftables tables and the other iptables back end, where they can stop IPv4."""
    firewall = facts.firewall
    if firewall is None:
        return ()
    return (*_native(firewall), *_other_backend(firewall))


def _native(firewall: Firewall) -> Iterator[str]:
    """Tables with a forward hook and a drop or reject anywhere in them."""
    for title, body in _tables(firewall.nft or ""):
        family = title.partition(" ")[0]
        if title == _SEEN_BY_IPTABLES and (firewall.default or "").endswith("nft"):
            continue
        if family in {"ip", "inet"} and "hook forward" in body and _STOPS.search(body):
            chain = next((found["name"] for line in body.splitlines() if (found := _CHAIN.match(line))), "?")
            yield f"nft table {title} (first chain {chain}) filters forwarded packets; not evaluated"


def _tables(text: str) -> Iterator[tuple[str, str]]:
    title: str | None = None
    lines: list[str] = []
    for line in text.splitlines():
        found = _TABLE.match(line)
        if found is not None:
            title, lines = f"{found['family']} {found['name']}", []
        elif line.startswith("}") and title is not None:
            yield title, "\n".join(lines)
            title = None
        else:
            lines.append(line)


def _other_backend(firewall: Firewall) -> Iterator[str]:
    for backend, saved in firewall.backends.items():
        table = parse_save(saved.get("4") or "").get("filter") if backend != firewall.default else None
        chain = table.chains.get("FORWARD") if table is not None else None
        if chain is not None and (chain.rules or chain.policy == "DROP"):
            yield f"{backend} has rules in filter FORWARD beside {firewall.default}; not evaluated"
