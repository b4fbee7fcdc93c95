"""Which route a Linux machine takes to an address, and how a route reads."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from wslnet.model.address_plan import network_of
from wslnet.model.families import IPV4, MAIN_TABLE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wslnet.model.linux_network import Route


def route_towards(routes: Iterable[Route], address: str) -> Route | None:
    """The route of the main table that a packet to `address` takes: longest prefix, then lowest metric.

    Policy rules before the main table are not followed: WSL's own concern TCP and UDP to local addresses
    only (wsl-facts 2.2).
    """
    target = ipaddress.IPv4Address(address)
    fitting = [
        (network.prefixlen, -route.metric, -place, route)
        for place, route in enumerate(routes)
        if route.family == IPV4
        and route.table == MAIN_TABLE
        and (network := network_of(route.dst)) is not None
        and target in network
    ]
    return max(fitting, key=lambda entry: entry[:3])[3] if fitting else None


def text_of(route: Route) -> str:
    """The route as `ip route` prints it, without protocol and scope."""
    kind = "" if route.type == "unicast" else f"{route.type} "
    via = f" via {route.via}" if route.via else ""
    dev = f" dev {route.dev}" if route.dev else ""
    metric = f" metric {route.metric}" if route.metric else ""
    return f"{kind}{route.dst}{via}{dev}{metric}"
