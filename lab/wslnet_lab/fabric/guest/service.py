"""WSL's guest network service: takes the events that Windows sends and sets the guest as the real one does.

Each event has one handler, here or in the modules beside this one; `Guest.apply` carries a list of them out.
It knows nothing of wires: a card must be plugged in before its first event.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from wslnet_lab.fabric.netns import FabricError, Namespace

from . import addresses, events, filters, loopback, routes

if TYPE_CHECKING:
    from .events import Event


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
                addresses.change(ns, event)
            case events.RouteChange():
                routes.change(ns, event)
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


def _resolv_conf(event: events.Dns) -> str:
    lines = [f"nameserver {server}" for server in event.servers]
    if event.search:
        lines.append(f"search {' '.join(event.search)}")
    return event.header + "".join(f"{line}\n" for line in lines)
