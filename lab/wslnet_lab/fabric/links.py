"""Interfaces and what lies on them: veth pairs between namespaces, bridges, addresses, default routes.

Only rtnetlink, and only what a caller asks for; nothing here knows Windows or WSL.
"""

from __future__ import annotations

import array
import errno
import fcntl
import ipaddress
import os
import socket
import struct
from typing import TYPE_CHECKING

from .netns import NAMES, FabricError, Namespace

if TYPE_CHECKING:
    from .model import Nic

IFF_UP = 0x1
IFA_F_NODAD = 0x02
PROTO_STATIC = 4
SIOCETHTOOL = 0x8946
ETHTOOL_GLINK = 0x0A


def lay_cable(near: Namespace, port: str, far: Namespace, nic: Nic, *, port_mac: str | None = None) -> None:
    """Make a veth pair: `port` in `near` and the card `nic.device` in `far`, both down, with their MTU.

    Raises:
        FabricError: One of the names is taken, or the kernel refuses.
    """
    try:
        descriptor = os.open(NAMES / far.name, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise FabricError(f"there is no namespace {far.name}") from error
    card = {"ifname": nic.device, "address": nic.mac, "mtu": nic.mtu, "net_ns_fd": descriptor}
    near_end = {} if port_mac is None else {"address": port_mac}
    try:
        near.netlink("link", "add", ifname=port, kind="veth", mtu=nic.mtu, peer=card, **near_end)
    finally:
        os.close(descriptor)


def make_bridge(ns: Namespace, device: str, mac: str, *, index: int = 0) -> int:
    """Make a bridge that forwards at once, up, and give its index; `index` 0: the next free one."""
    wanted = {"index": index} if index else {}
    ns.netlink("link", "add", ifname=device, kind="bridge", address=mac, br_forward_delay=0, **wanted)
    index = ns.require(device)
    ns.netlink("link", "set", index=index, state="up")
    return index


def join(ns: Namespace, port: str, bridge: str) -> None:
    """Put an interface on a bridge and switch it up."""
    ns.netlink("link", "set", index=ns.require(port), master=ns.require(bridge), state="up")


def remove(ns: Namespace, device: str) -> None:
    """Delete an interface; a missing one is fine."""
    try:
        ns.netlink("link", "del", ifname=device)
    except FabricError as error:
        # It may go this very moment with the namespace of its far end.
        if error.errno != errno.ENODEV:
            raise


def settle(ns: Namespace, *devices: str) -> None:
    """Let interfaces notice at once that both ends of their cable are up, in this order.

    The kernel does it in a worker of its own, on a busy machine milliseconds later; what is sent until then
    is lost, and sent again after a second. Asking for a link's state does it on the spot (link_watch.c).
    """
    ns.inside(_ask_links, devices)


def silence_ipv6(ns: Namespace, device: str) -> None:
    """Take IPv6 from an interface that only carries frames, or it would announce itself on them."""
    ns.set_sysctls({f"ipv6/conf/{device}/disable_ipv6": 1})


def configure(ns: Namespace, nic: Nic) -> None:
    """Give a card its state: up or not, addresses, default route; on-link prefix routes come by themselves.

    IPv6 addresses of the data replace the ones that the kernel would make from the MAC address.
    """
    index = ns.require(nic.device)
    interfaces = [ipaddress.ip_interface(text) for text in nic.addresses]
    if any(isinstance(interface, ipaddress.IPv6Interface) for interface in interfaces):
        ns.set_sysctls({f"ipv6/conf/{nic.device}/addr_gen_mode": 1})
    if not nic.connected:
        return
    ns.netlink("link", "set", index=index, state="up")
    for interface in interfaces:
        add_address(ns, index, interface)
    metric = {"priority": nic.metric} if nic.metric else {}
    if nic.gateway is not None:
        ns.netlink(
            "route", "add", dst="default", gateway=nic.gateway, oif=index, proto=PROTO_STATIC, **metric
        )
    for route in nic.routes:
        via = {} if route.via is None else {"gateway": route.via}
        ns.netlink("route", "add", dst=route.dst, oif=index, priority=route.metric, proto=PROTO_STATIC, **via)


def add_address(
    ns: Namespace, index: int, interface: ipaddress.IPv4Interface | ipaddress.IPv6Interface
) -> None:
    """Add one address with its prefix route; IPv6 ones are usable at once (no duplicate detection)."""
    extra: dict[str, object] = {}
    if isinstance(interface, ipaddress.IPv4Interface):
        extra["broadcast"] = str(interface.network.broadcast_address)
    else:
        extra["flags"] = IFA_F_NODAD
    ns.netlink(
        "addr", "add", index=index, address=str(interface.ip), prefixlen=interface.network.prefixlen, **extra
    )


def _ask_links(devices: tuple[str, ...]) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        for device in devices:
            answer = array.array("I", [ETHTOOL_GLINK, 0])
            # struct ifreq: the name, then a pointer to struct ethtool_value.
            request = struct.pack("16sP16x", device.encode(), answer.buffer_info()[0])
            fcntl.ioctl(any_socket, SIOCETHTOOL, request)
