"""A card of Windows as it is now, in the terms of `model.Nic`: what mirrored mode shows to the guest.

Only what Windows mirrors is read: unicast addresses, and routes that are not the kernel's own
(wsl-guest-facts 1.4); which cards there are is the caller's data.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .model import Nic, Route
from .windows_ip import ANYWHERE, FAMILIES, TABLE_MAIN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .netns import Namespace

RTPROT_KERNEL = 2
IFF_UP = 0x1
IFF_LOWER_UP = 0x10000
CONNECTED = IFF_UP | IFF_LOWER_UP


def read(ns: Namespace, nics: Sequence[Nic]) -> tuple[Nic, ...]:
    """The same cards with link, MTU, addresses and routes as they are now; unconnected data stays so.

    Raises:
        FabricError: One of them is not there.
    """
    links = {message["index"]: message for message in ns.netlink("get_links")}
    addresses = ns.netlink("get_addr")
    routes = {
        family: ns.netlink("get_routes", family=number, table=TABLE_MAIN)
        for family, number in FAMILIES.items()
    }
    return tuple(_read_one(links, addresses, routes, ns.require(nic.device), nic) for nic in nics)


def _read_one(
    links: dict[int, Any], addresses: list[Any], routes: dict[int, list[Any]], index: int, nic: Nic
) -> Nic:
    link = links[index]
    own = [message for message in addresses if message["index"] == index]
    gateway, further = None, []
    for family, messages in routes.items():
        for message in messages:
            if message.get_attr("RTA_OIF") != index or message["proto"] == RTPROT_KERNEL:
                continue
            dst = f"{message.get_attr('RTA_DST') or ANYWHERE[family]}/{message['dst_len']}"
            via = message.get_attr("RTA_GATEWAY")
            if dst == "0.0.0.0/0":
                gateway = gateway or via
            else:
                metric = nic.metric + (message.get_attr("RTA_PRIORITY") or 0)
                further.append(Route(dst, via, max(metric, 1)))
    return replace(
        nic,
        mtu=link.get_attr("IFLA_MTU"),
        connected=nic.connected and link["flags"] & CONNECTED == CONNECTED,
        addresses=tuple(f"{message.get_attr('IFA_ADDRESS')}/{message['prefixlen']}" for message in own),
        gateway=gateway,
        routes=tuple(sorted(further, key=lambda route: (route.via is not None, route.dst))),
    )
