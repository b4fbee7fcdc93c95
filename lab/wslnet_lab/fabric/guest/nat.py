"""What Windows sends to a guest in NAT mode (corpus/wsl-guest, nat-dns-tunneling)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .events import Boot, Card, Dns, Event, LinkState, RouteChange

if TYPE_CHECKING:
    from wslnet_lab.fabric.model import NatLink


def boot(link: NatLink) -> list[Event]:
    """The events of a start, in order; MTU and resolv.conf last, as recorded."""
    nic = link.guest
    events: list[Event] = [Boot(tunnel=link.dns if link.dns.startswith("10.255.") else None)]
    events += [Card(nic.device, text) for text in nic.addresses]
    if nic.gateway is not None:
        events.append(RouteChange(nic.device, "Add", "0.0.0.0/0", nic.gateway, 0))
    events.append(Dns(servers=(link.dns,), search=link.search))
    events.append(LinkState(nic.device, connected=True, mtu=nic.mtu))
    return events
