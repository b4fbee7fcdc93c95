"""WSL's guest network service: takes the events that Windows sends and sets the guest as the real one does.

Each event has one handler here or in `filters` and `loopback`; `Guest.apply` carries a list of them out. It
knows nothing of wires: a card must be plugged in before its first event.
"""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import socket
from typing import TYPE_CHECKING

from wslnet_lab.fabric.netns import FabricError, Namespace

from . import events, filters, loopback

if TYPE_CHECKING:
    from .events import Event

RTPROT_KERNEL = 2
RTNH_ONLINK = 4
RT_SCOPE_NOWHERE = 255
TABLE_MAIN = 254
IFA_F_NODAD = 0x02
IFA_F_NOPREFIXROUTE = 0x200
FOREVER = 0xFFFFFFFF
# IpPrefixOriginRouterAdvertisement with IpSuffixOriginLinkLayerAddress (nldef.h): the public IPv6 address.
PUBLIC_ADDRESS = (4, 4)


class Guest:
    """The service in one guest.

    Attributes:
        namespace: Name of the guest's namespace.
        resolv_conf: Text of /etc/resolv.conf, empty until Windows sends DNS.
    """

    def __init__(self, namespace: str) -> None:
        self.namespace = namespace
        self.resolv_conf = ""

    def apply(self, *events: Event) -> None:
        """Carry out events in order.

        Raises:
            FabricError: The first event that the real service would refuse; the rest is not done.
        """
        with Namespace(self.namespace) as ns:
            for event in events:
                self._carry_out(ns, event)

    def _carry_out(self, ns: Namespace, event: Event) -> None:  # noqa: C901, PLR0912 - a line a kind
        match event:
            case events.Boot():
                _boot(ns, event)
            case events.SetupIpv6():
                _set_up_ipv6(ns)
            case events.GlobalFilter():
                filters.add_chains(ns)
            case events.Card():
                _add_card(ns, event)
            case events.Loopback():
                loopback.make(ns, event)
            case events.LoopbackRoute():
                loopback.route_host_address(ns, event)
            case events.CardFilter():
                _filter_card(ns, event)
            case events.Settle():
                _settle(ns, event)
            case events.LinkState():
                _set_link(ns, event)
            case events.AddressChange():
                _change_address(ns, event)
            case events.RouteChange():
                _change_route(ns, event)
            case events.ReservePorts(block=block):
                ns.set_sysctls({"ipv4/ip_local_port_range": f"{block.first} {block.last}"})
            case events.Dns():
                self.resolv_conf = _resolv_conf(event)
            case _:
                raise FabricError(f"no handler for {type(event).__name__}")


def _boot(ns: Namespace, event: events.Boot) -> None:
    index = ns.require("lo")
    ns.netlink("link", "set", index=index, state="up")
    if event.tunnel is not None:
        ns.netlink("addr", "add", index=index, address=event.tunnel, prefixlen=32, broadcast=event.tunnel)


def _set_up_ipv6(ns: Namespace) -> None:
    keys = {"dad_transmits": 0, "accept_ra": 0, "autoconf": 0, "addr_gen_mode": 1, "use_tempaddr": 0}
    ns.set_sysctls(
        {f"ipv6/conf/{dev}/{key}": value for key, value in keys.items() for dev in ("all", "default")}
    )


def _add_card(ns: Namespace, event: events.Card) -> None:
    index = ns.require(event.device)
    if event.address is not None:
        interface = ipaddress.IPv4Interface(event.address)
        ns.netlink(
            "addr",
            "add",
            index=index,
            address=str(interface.ip),
            prefixlen=interface.network.prefixlen,
            broadcast=str(interface.network.broadcast_address),
        )
    ns.netlink("link", "set", index=index, state="up")


def _filter_card(ns: Namespace, event: events.CardFilter) -> None:
    if event.block is None:
        filters.remove_card(ns, event.device)
    else:
        filters.add_card(ns, event.device, event.block)


def _settle(ns: Namespace, event: events.Settle) -> None:
    conf = f"ipv6/conf/{event.device}"
    # Off and on again, so that nothing the kernel made by itself is left.
    ns.set_sysctls({f"{conf}/disable_ipv6": 1})
    ns.set_sysctls({f"{conf}/{key}": 0 for key in ("accept_ra", "autoconf", "use_tempaddr")})
    ns.set_sysctls({f"{conf}/addr_gen_mode": 1, f"{conf}/disable_ipv6": 0})


def _set_link(ns: Namespace, event: events.LinkState) -> None:
    if event.mirrored:
        ns.set_sysctls({"ipv4/conf/all/arp_filter": 1, "ipv4/conf/default/arp_filter": 1})
    state = "up" if event.connected else "down"
    ns.netlink("link", "set", index=ns.require(event.device), mtu=event.mtu, state=state)


def _change_address(ns: Namespace, event: events.AddressChange) -> None:
    index = ns.require(event.device)
    interface = ipaddress.ip_interface(event.address)
    where = {"index": index, "address": str(interface.ip), "prefixlen": interface.network.prefixlen}
    if event.change == "Remove":
        ns.netlink("addr", "del", **where)
    elif isinstance(interface, ipaddress.IPv6Interface):
        _put_ipv6(ns, event, where)
    else:
        # The kernel takes the card's routes with its last address; the service puts those with a gateway back,
        # which works for default routes only: the others miss their on-link route (corpus errors, step 07).
        routes = _gateway_routes(ns, index) if event.change == "Update" else []
        if event.change == "Update":
            _delete_address(ns, where)
        broadcast = str(interface.network.broadcast_address)
        ns.netlink("addr", "add", **where, broadcast=broadcast, flags=IFA_F_NOPREFIXROUTE)
        for route in routes:
            with contextlib.suppress(FabricError):
                ns.netlink("route", "add", **route)


def _put_ipv6(ns: Namespace, event: events.AddressChange, where: dict[str, object]) -> None:
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


def _gateway_routes(ns: Namespace, index: int) -> list[dict[str, object]]:
    found = []
    for message in ns.netlink("get_routes", family=socket.AF_INET, oif=index, table=TABLE_MAIN):
        gateway = message.get_attr("RTA_GATEWAY")
        if gateway is not None:
            dst = message.get_attr("RTA_DST")
            route: dict[str, object] = {"gateway": gateway, "oif": index, "proto": RTPROT_KERNEL}
            route |= {"dst": f"{dst}/{message['dst_len']}"} if dst else {"dst": "default", "flags": RTNH_ONLINK}
            metric = message.get_attr("RTA_PRIORITY")
            found.append(route | ({"priority": metric} if metric else {}))
    return found


def _change_route(ns: Namespace, event: events.RouteChange) -> None:
    network = ipaddress.ip_network(event.dst)
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
        _delete_route(ns, route)
        return
    scope = {"scope": "link"} if event.via is None and ipv4 else {}
    ns.netlink("route", "replace", proto=RTPROT_KERNEL, **scope, **route)


def _delete_route(ns: Namespace, route: dict[str, object]) -> None:
    try:
        # Whatever its scope, as `ip route del` asks; IPv6 has none.
        scope = {"scope": RT_SCOPE_NOWHERE} if route["family"] == socket.AF_INET else {}
        ns.netlink("route", "del", **scope, **route)
    except FabricError as error:
        # Absent is as good as removed (wsl-guest-facts 6): taking an address away took its routes.
        if error.errno != errno.ESRCH:
            raise


def _resolv_conf(event: events.Dns) -> str:
    lines = [f"nameserver {server}" for server in event.servers]
    if event.search:
        lines.append(f"search {' '.join(event.search)}")
    return event.header + "".join(f"{line}\n" for line in lines)
