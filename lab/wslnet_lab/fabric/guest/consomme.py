"""What Windows sends to a guest in consomme (virtioproxy) mode: state only, its packets go nowhere yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import events

if TYPE_CHECKING:
    from wslnet_lab.fabric.model import Nic

    from .events import Event

LOOPBACK_ADDRESS = "169.254.73.250/28"


def boot(nic: Nic, dns: str, search: tuple[str, ...] = ()) -> list[Event]:
    """The events of a start; `nic` carries the address and gateway of Windows itself (corpus, consomme)."""
    found: list[Event] = [events.Boot()]
    found += [events.Card(nic.device, text) for text in nic.addresses if ":" not in text]
    found += [
        events.AddressChange(nic.device, "Add", text, prefix_origin=0, suffix_origin=0)
        for text in nic.addresses
        if ":" in text
    ]
    if nic.gateway is not None:
        found.append(events.RouteChange(nic.device, "Add", "0.0.0.0/0", nic.gateway, 0))
    found.append(events.Dns(servers=(dns,), search=search))
    found.append(events.LinkState(nic.device, connected=nic.connected, mtu=nic.mtu))
    found.append(events.Card("loopback0", LOOPBACK_ADDRESS))
    found.append(events.Loopback("loopback0", consomme=True))
    return found
