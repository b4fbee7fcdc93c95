"""Which link of a mirrored WSL stands for which adapter of Windows.

Told by MAC and by address, never by number: `ethN` follows the order of adapters and changes (seed 000). A
tunnel's link carries a MAC of Hyper-V, so only its address tells.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wslnet.model.linux_network import Link
    from wslnet.model.snapshot import Snapshot
    from wslnet.model.windows_facts import Adapter, WindowsFacts

_MIRRORED_LINK = re.compile(r"(?:eth|wlan)\d+")
_MIRRORED_SCOPES = frozenset({"global", "link"})
"""Windows hands on its link-local IPv6 addresses too: they tell a card that has no other (seed 000)."""


@dataclass(frozen=True, slots=True)
class Mirrored:
    """A link of WSL and the adapter it mirrors; `by` is `mac`, `address` or `mac and address`.

    `adapter` is None when neither tells, or when several adapters would fit.
    """

    link: str
    adapter: Adapter | None
    by: str = ""


def mirrored_links(snapshot: Snapshot) -> tuple[Mirrored, ...]:
    """All mirrored links in WSL's order; none unless WSL was measured to run in mirrored mode."""
    wsl, windows = snapshot.inventory.wsl, snapshot.windows
    facts = snapshot.linux(wsl.name) if wsl is not None else None
    if snapshot.mode != "mirrored" or facts is None or windows is None or windows.adapters is None:
        return ()
    by_link: dict[str, set[str]] = {}
    for address in facts.addresses or ():
        if address.scope in _MIRRORED_SCOPES:
            by_link.setdefault(address.link, set()).add(address.address)
    return tuple(
        _mirrored(link, by_link.get(link.name, set()), windows)
        for link in facts.links or ()
        if _MIRRORED_LINK.fullmatch(link.name)
    )


def _mirrored(link: Link, addresses: set[str], windows: WindowsFacts) -> Mirrored:
    adapters = windows.adapters or ()
    macs = Counter(adapter.mac for adapter in adapters)
    sharing = {one.index for one in windows.addresses or () if one.address in addresses}
    by_address = [adapter for adapter in adapters if adapter.index in sharing]
    by_mac = [adapter for adapter in adapters if adapter.mac is not None and adapter.mac == link.mac]
    both = [adapter for adapter in by_mac if adapter in by_address]
    if len(both) == 1:
        return Mirrored(link.name, both[0], "mac and address")
    if len(by_address) == 1:
        return Mirrored(link.name, by_address[0], "address")
    if len(by_mac) == 1 and macs[link.mac] == 1:
        return Mirrored(link.name, by_mac[0], "mac")
    return Mirrored(link.name, None)
