"""Routes of the guest's cards, as WSL's service sets them (wsl-guest-facts 1.4 and 6)."""

from __future__ import annotations

import errno
import ipaddress
import socket
from typing import TYPE_CHECKING

from wslnet_lab.fabric.netns import FabricError

if TYPE_CHECKING:
    from wslnet_lab.fabric.netns import Namespace

    from .events import RouteChange

RTPROT_KERNEL = 2
RTNH_ONLINK = 4
RT_SCOPE_NOWHERE = 255
TABLE_MAIN = 254


def change(ns: Namespace, event: RouteChange) -> None:
    """Set or remove one route; the same route again, and removing an absent one, are fine.

    Raises:
        FabricError: The next hop is not on a link of the card (default routes excepted), or the destination
            has bits behind its prefix.
    """
    try:
        network = ipaddress.ip_network(event.dst)
    except ValueError as error:
        # The kernel's answer (corpus errors, step 13).
        raise FabricError(f"{ns.name}: {error}", errno.EINVAL) from error
    ipv4 = isinstance(network, ipaddress.IPv4Network)
    route: dict[str, object] = {
        "family": socket.AF_INET if ipv4 else socket.AF_INET6,
        "dst": "default" if network.prefixlen == 0 else str(network),
        "oif": ns.require(event.device),
    }
    if event.metric:
        route["priority"] = event.metric
    if event.via is not None:
        route["gateway"] = event.via
        # The gateway's own on-link route may come later or not at all (wsl-guest-facts 6).
        route |= {"flags": RTNH_ONLINK} if network.prefixlen == 0 else {}
    if event.change == "Remove":
        _delete(ns, route)
        return
    scope = {"scope": "link"} if event.via is None and ipv4 else {}
    ns.netlink("route", "replace", proto=RTPROT_KERNEL, **scope, **route)


def _delete(ns: Namespace, route: dict[str, object]) -> None:
    try:
        # Whatever its scope, as `ip route del` asks; IPv6 has none.
        scope = {"scope": RT_SCOPE_NOWHERE} if route["family"] == socket.AF_INET else {}
        ns.netlink("route", "del", **scope, **route)
    except FabricError as error:
        # Absent is as good as removed (wsl-guest-facts 6): taking an address away took its routes.
        if error.errno != errno.ESRCH:
            raise


def through_gateways(ns: Namespace, index: int) -> list[dict[str, object]]:
    """The card's IPv4 routes of the main table that have a gateway, ready to be added again."""
    found = []
    for message in ns.netlink("get_routes", family=socket.AF_INET, oif=index, table=TABLE_MAIN):
        gateway = message.get_attr("RTA_GATEWAY")
        if gateway is not None:
            dst = message.get_attr("RTA_DST")
            route: dict[str, object] = {"gateway": gateway, "oif": index, "proto": RTPROT_KERNEL}
            route |= (
                {"dst": f"{dst}/{message['dst_len']}"} if dst else {"dst": "default", "flags": RTNH_ONLINK}
            )
            metric = message.get_attr("RTA_PRIORITY")
            found.append(route | ({"priority": metric} if metric else {}))
    return found
