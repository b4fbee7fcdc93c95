"""loopback0 of a guest: the card by which TCP and UDP to 127.0.0.1 leave for Windows and come back.

Sources: wsl-guest-facts 2 and 3, corpus/wsl-guest (mirrored-wifi step 03, consomme step 06).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import filters

if TYPE_CHECKING:
    from wslnet_lab.fabric.netns import Namespace

    from .events import Loopback, LoopbackRoute

NAME = "loopback0"
NEXT_HOP = "169.254.73.249"
FAR_MAC = "00:11:22:33:44:55"
TABLE_LOOPBACK = 127
TABLE_HOST_ADDRESSES = 128
RTPROT_KERNEL = 2
RTNH_ONLINK = 4
NUD_PERMANENT = 0x80


def make(ns: Namespace, event: Loopback) -> None:
    """Turn a card into loopback0: its name, sysctls, rules, the far end's address, table 127."""
    index = ns.require(event.device)
    if event.device != NAME:
        ns.netlink("link", "set", index=index, state="down")
        ns.netlink("link", "set", index=index, ifname=NAME)
        ns.netlink("link", "set", index=index, state="up")
    if event.consomme:
        conf = f"ipv6/conf/{NAME}"
        ns.set_sysctls({f"{conf}/accept_dad": 0, f"{conf}/dad_transmits": 0})
        ns.set_sysctls({f"{conf}/disable_ipv6": 1})
        ns.set_sysctls({f"{conf}/disable_ipv6": 0})
    ns.set_sysctls(
        {
            f"ipv4/conf/{NAME}/accept_local": 1,
            f"ipv4/conf/{NAME}/route_localnet": 1,
            f"ipv4/conf/{NAME}/rp_filter": 0,
            "ipv4/conf/all/rp_filter": 0,
        }
    )
    _set_rules(ns)
    _add_route(ns, index, "127.0.0.1", TABLE_LOOPBACK)


def route_host_address(ns: Namespace, event: LoopbackRoute) -> None:
    """hostAddressLoopback: one address of the host by way of Windows; IPv6 is taken and ignored."""
    if ":" in event.address:
        return
    index = ns.require(event.device)
    if event.change == "Remove":
        ns.netlink("route", "del", dst=f"{event.address}/32", oif=index, table=TABLE_HOST_ADDRESSES)
    else:
        _add_route(ns, index, event.address, TABLE_HOST_ADDRESSES)


def _set_rules(ns: Namespace) -> None:
    filters.add_rule(ns, 2, filters.TABLE_LOCAL)
    for table in (TABLE_LOOPBACK, TABLE_HOST_ADDRESSES):
        for protocol in filters.PROTOCOLS:
            filters.add_rule(ns, 1, table, ip_proto=protocol)
    filters.add_delivery_rules(ns, NAME)
    # Last, so that there is no moment without a way to the local table.
    ns.netlink("rule", "del", priority=0, table=filters.TABLE_LOCAL)


def _add_route(ns: Namespace, index: int, address: str, table: int) -> None:
    ns.netlink("neigh", "replace", ifindex=index, dst=NEXT_HOP, lladdr=FAR_MAC, state=NUD_PERMANENT)
    ns.netlink(
        "route",
        "replace",
        dst=f"{address}/32",
        gateway=NEXT_HOP,
        oif=index,
        prefsrc=address,
        table=table,
        proto=RTPROT_KERNEL,
        flags=RTNH_ONLINK,
    )
