"""Which subnets a machine hides behind its own address: the MASQUERADE rules of any back end. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet.netfilter.rules import Field
from wslnet.netfilter.view import tables

if TYPE_CHECKING:
    from wslnet.model.linux_network import Firewall

_ANYBODY = "0.0.0.0/0"


def masqueraded(firewall: Firewall) -> frozenset[str]:
    """The source prefixes of all IPv4 rules that masquerade; a rule for any source gives `0.0.0.0/0`."""
    rules = (rule for table in tables(firewall) for chain in table.chains.values() for rule in chain.rules)
    found: set[str] = set()
    for rule in rules:
        if (rule.target or "").upper() == "MASQUERADE":
            found.update(rule.values(Field.SRC) or (_ANYBODY,))
    return frozenset(found)
