"""Addresses of the guest's cards, as WSL's service adds, renews, removes them (wsl-guest-facts 1.5-1.7)."""

from __future__ import annotations

import contextlib
import errno
import ipaddress
from typing import TYPE_CHECKING

from wslnet_lab.fabric.netns import FabricError

from . import routes

if TYPE_CHECKING:
    from wslnet_lab.fabric.netns import Namespace

    from .events import AddressChange

IFA_F_NODAD = 0x02
IFA_F_NOPREFIXROUTE = 0x200
FOREVER = 0xFFFFFFFF
# IpPrefixOriginRouterAdvertisement with IpSuffixOriginLinkLayerAddress (nldef.h): the public IPv6 address.
PUBLIC_ADDRESS = (4, 4)


def change(ns: Namespace, event: AddressChange) -> None:
    """Add, renew or remove one address.

    Raises:
        FabricError: Adding what is there, removing what is not.
    """
    index = ns.require(event.device)
    interface = ipaddress.ip_interface(event.address)
    where = {"index": index, "address": str(interface.ip), "prefixlen": interface.network.prefixlen}
    if event.change == "Remove":
        ns.netlink("addr", "del", **where)
    elif isinstance(interface, ipaddress.IPv6Interface):
        _put_ipv6(ns, event, where)
    else:
        # The kernel takes the card's routes with its last address. The service puts those with a gateway
        # back, which works for default routes: others miss their on-link route (corpus errors, step 07).
        kept = routes.through_gateways(ns, index) if event.change == "Update" else []
        if event.change == "Update":
            _delete_address(ns, where)
        broadcast = str(interface.network.broadcast_address)
        ns.netlink("addr", "add", **where, broadcast=broadcast, flags=IFA_F_NOPREFIXROUTE)
        for route in kept:
            with contextlib.suppress(FabricError):
                ns.netlink("route", "add", **route)


def _put_ipv6(ns: Namespace, event: AddressChange, where: dict[str, object]) -> None:
    if event.change == "Update":
        _delete_address(ns, where)
    public = (event.prefix_origin, event.suffix_origin) == PUBLIC_ADDRESS
    ns.netlink(
        "addr",
        "add",
        **where,
        flags=IFA_F_NOPREFIXROUTE | IFA_F_NODAD,
        preferred=0 if public else event.preferred_lifetime,
        valid=FOREVER,
    )


def _delete_address(ns: Namespace, where: dict[str, object]) -> None:
    try:
        ns.netlink("addr", "del", **where)
    except FabricError as error:
        # Gone already: the kernel drops IPv6 addresses when a link goes down.
        if error.errno != errno.EADDRNOTAVAIL:
            raise
