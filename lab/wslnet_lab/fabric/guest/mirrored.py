"""What Windows sends to a guest in mirrored mode (corpus/wsl-guest, mirrored-wifi and mirrored-changes)."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from . import events
from .events import AddressChange, LinkState, LoopbackRoute, RouteChange

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wslnet_lab.fabric.model import MirroredHost, Nic, PortBlock

    from .events import Change, Event

# What Windows adds to the interface metric for an on-link prefix (wsl-guest-facts 1.4).
PREFIX_METRIC = 256


def boot(host: MirroredHost) -> list[Event]:
    """The events of a start up to loopback0, which comes before any other card."""
    tunnel = host.dns if host.dns.startswith("10.255.") else None
    return [
        events.Boot(tunnel=tunnel),
        events.SetupIpv6(),
        events.GlobalFilter(),
        events.Card("loopback0"),
        events.Loopback("loopback0"),
    ]


def finish(host: MirroredHost) -> list[Event]:
    """The last events of a start: names, then the reserved ports."""
    return [events.Dns(servers=(host.dns,), search=host.search), events.ReservePorts(host.block)]


def add_card(nic: Nic, device: str, block: PortBlock, *, own: bool = False) -> list[Event]:
    """A card appears in the guest as `device` and gets what `nic` has on Windows.

    `own` is experimental.hostAddressLoopback: own addresses lead to Windows. Here and below.
    """
    found: list[Event] = [events.Card(device), events.CardFilter(device, block), events.Settle(device)]
    found.append(_link(nic, device))
    if nic.connected:
        found += [*_addresses(nic, device, "Add", own=own), *_routes(nic, device, "Add")]
    return found


def resend_card(nic: Nic, device: str, *, own: bool = False) -> list[Event]:
    """Windows sends everything of a card again: each address away and back, then each route (1.6)."""
    return [_link(nic, device), *_addresses(nic, device, "Update", own=own), *_routes(nic, device, "Update")]


def changes(before: Nic, after: Nic, device: str, *, own: bool = False) -> list[Event]:
    """What Windows sends when its card was `before` and is `after`; nothing when they are the same."""
    if before == after or not (before.connected or after.connected):
        return []
    if not after.connected:
        # The kernel drops IPv6 addresses with the link; Windows' removal of them fails and is not tried here.
        gone = [text for text in before.addresses if ":" not in text]
        return [_link(after, device), *(AddressChange(device, "Remove", text) for text in gone)]
    if not before.connected:
        new = [*_addresses(after, device, "Add", own=own), *_routes(after, device, "Add")]
        return [_link(after, device), *new]
    return _renumber(before, after, device, own=own)


def _renumber(before: Nic, after: Nic, device: str, *, own: bool) -> list[Event]:
    """What is gone is removed, what is new added, and the rest sent again (mirrored-changes, 11 and 13).

    Another MTU or interface metric, and any added address, make Windows send all addresses of the card again
    (wsl-guest-facts 1.6).
    """
    relinked = (before.mtu, before.metric) != (after.mtu, after.metric)
    gone = [text for text in before.addresses if text not in after.addresses]
    added = [text for text in after.addresses if text not in before.addresses]
    found: list[Event] = [_link(after, device)] if relinked else []
    found += [_own(device, "Remove", text) for text in gone if own]
    found += [AddressChange(device, "Remove", text) for text in gone]
    for text in after.addresses if relinked or added else ():
        found.append(_address(device, "Add" if text in added else "Update", text))
        found += [_own(device, "Add", text)] if own else []
    old, new = list(_route_data(before)), list(_route_data(after))
    found += [RouteChange(device, "Remove", *route) for route in old if route not in new]
    found += [RouteChange(device, "Update" if route in old else "Add", *route) for route in new]
    return found


def _link(nic: Nic, device: str) -> LinkState:
    return LinkState(device, connected=nic.connected, mtu=nic.mtu, mirrored=True)


def _addresses(nic: Nic, device: str, change: Change, *, own: bool) -> Iterator[Event]:
    for text in nic.addresses:
        yield _address(device, change, text)
        if own:
            yield _own(device, "Add", text)


def _own(device: str, change: Change, text: str) -> LoopbackRoute:
    return LoopbackRoute(device, change, text.split("/", maxsplit=1)[0])


def _address(device: str, change: Change, text: str) -> AddressChange:
    interface = ipaddress.ip_interface(text)
    if isinstance(interface, ipaddress.IPv6Interface) and interface.ip.is_link_local:
        return AddressChange(device, change, text, prefix_origin=2, suffix_origin=4)
    return AddressChange(device, change, text)


def _routes(nic: Nic, device: str, change: Change) -> Iterator[Event]:
    return (RouteChange(device, change, *route) for route in _route_data(nic))


def _route_data(nic: Nic) -> Iterator[tuple[str, str | None, int]]:
    """On-link first, default last: a route must find its next hop."""
    metric = max(nic.metric, 1)
    for text in nic.addresses:
        network = ipaddress.ip_interface(text).network
        if network.prefixlen < network.max_prefixlen:
            yield str(network), None, PREFIX_METRIC + metric
    for route in sorted(nic.routes, key=lambda route: route.via is not None):
        yield route.dst, route.via, route.metric
    if nic.gateway is not None:
        yield f"{nic.gateway}/32", None, metric
        yield "0.0.0.0/0", nic.gateway, metric
