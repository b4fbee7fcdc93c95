"""Tunnel adapters that take everything, and the cards through which their own packets leave Windows.

A proxy program binds its packets to the card. With forwarding on that card Windows routes them anew, into the
tunnel they came from, round and round (microsoft/WSL#41652). Pure.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from wslnet.model.families import IPV4

if TYPE_CHECKING:
    from wslnet.model.windows_facts import Adapter, Interface, WindowsFacts

# A tunnel that must not replace the default route covers it with two halves instead.
_EVERYWHERE = (frozenset({"0.0.0.0/0"}), frozenset({"0.0.0.0/1", "128.0.0.0/1"}))
_DRIVERS = re.compile(r"wintun|wireguard|tap-|\btun(nel)?\b|\bmeta\b|sing-?box|clash|openvpn", re.IGNORECASE)
_SWITCH = "vethernet ("


def tunnels(windows: WindowsFacts) -> tuple[Adapter, ...]:
    """The adapters of tunnel drivers by which packets to anywhere leave."""
    taking = _taking_all(windows)
    return tuple(one for one in windows.adapters or () if one.index in taking and _is_tunnel(one))


def forwarding_cards(windows: WindowsFacts) -> tuple[Interface, ...]:
    """The other ways out of Windows, where they forward IPv4: there a tunnel's packets go round."""
    own = {one.index for one in tunnels(windows)}
    taking = _taking_all(windows)
    return tuple(
        one
        for one in windows.interfaces or ()
        if one.family == IPV4 and one.forwarding and one.index in taking - own
    )


def _taking_all(windows: WindowsFacts) -> frozenset[int]:
    by_index: dict[int, set[str]] = {}
    for route in windows.routes or ():
        by_index.setdefault(route.index, set()).add(route.dst)
    return frozenset(index for index, dsts in by_index.items() if any(all_ <= dsts for all_ in _EVERYWHERE))


def _is_tunnel(adapter: Adapter) -> bool:
    if adapter.name.lower().startswith(_SWITCH):
        return False
    return _DRIVERS.search(f"{adapter.description or ''} {adapter.name}") is not None
