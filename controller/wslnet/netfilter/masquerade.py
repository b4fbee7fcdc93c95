"""Which subnets a machine hides behind its own address: the MASQUERADE rules of any back end. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from wslnet.netfilter.ruleset import parse_save

if TYPE_CHECKING:
    from wslnet.model.linux_facts import Firewall

_NFT = re.compile(r"\bip saddr (?P<subnet>[0-9./]+)\b.*\bmasquerade\b")


def masqueraded(firewall: Firewall) -> frozenset[str]:
    """The source prefixes of all IPv4 rules that masquerade; a rule for any source gives `0.0.0.0/0`.

    Saved rules are read by back end; libvirt's own nft table is in none of them and is read as text.
    """
    found: set[str] = set()
    for saved in firewall.backends.values():
        table = parse_save(saved.get("4", "")).get("nat")
        for chain in table.chains.values() if table is not None else ():
            for rule in chain.rules:
                if rule.target == "MASQUERADE":
                    found.add(rule.option("-s", "--source") or "0.0.0.0/0")
    for line in (firewall.nft or "").splitlines():
        match = _NFT.search(line)
        if match is not None:
            found.add(match["subnet"])
    return frozenset(found)
