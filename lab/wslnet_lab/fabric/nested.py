"""A VM behind a libvirt bridge: the bridge, the tap-like cable, and libvirt's rules of three generations.

The rules are those of the old in-chain kind (note 000), of the LIBVIRT_* chains (5.1 and later) and of the
nftables back end (10.4 and later); a caller loads one of them. Nothing here starts a VM.
"""

from __future__ import annotations

import ipaddress
import os
from typing import TYPE_CHECKING

from . import libvirt_rules, links
from .netns import NAMES, FabricError, Namespace

if TYPE_CHECKING:
    from .libvirt_rules import Generation, Iptables
    from .model import BridgeNetwork, Nic, TapWire

_PARKED = "parked0"


def start_network(
    host: str,
    network: BridgeNetwork,
    generation: Generation,
    iptables: Iptables = "iptables-nft",
    *,
    again: bool = False,
) -> None:
    """Do what libvirt's net-start does: bridge, address, ip_forward on, the rules of that generation.

    `again`: after `stop_network`.

    Raises:
        FabricError: The bridge exists already, or a rule is refused.
    """
    with Namespace(host) as ns:
        index = links.make_bridge(ns, network.bridge, network.mac)
        links.add_address(ns, index, ipaddress.ip_interface(network.address))
        if network.placeholder is not None:
            # libvirt before 7.x pinned the bridge's MAC address with a port that stays down.
            ns.netlink("link", "add", ifname=network.placeholder, kind="tuntap", mode="tap")
            port = ns.require(network.placeholder)
            ns.netlink("link", "set", index=port, address=network.mac, master=index)
        ns.set_sysctls({"ipv4/ip_forward": 1})
        subnet = str(ipaddress.ip_interface(network.address).network)
        libvirt_rules.load(ns, generation, network.bridge, subnet, iptables, again=again)


def stop_network(host: str, network: BridgeNetwork, generation: Generation, iptables: Iptables) -> None:
    """Do what libvirt's net-destroy does: its rules and the bridge go; cables stay, plugged into nothing.

    Raises:
        FabricError: It is not there.
    """
    with Namespace(host) as ns:
        subnet = str(ipaddress.ip_interface(network.address).network)
        libvirt_rules.unload(ns, generation, network.bridge, subnet, iptables)
        if network.placeholder is not None:
            links.remove(ns, network.placeholder)
        links.remove(ns, network.bridge)


def replug(host: str, wire: TapWire) -> None:
    """Put a cable back on its bridge, which was made anew.

    Raises:
        FabricError: No such bridge or cable.
    """
    with Namespace(host) as ns:
        links.join(ns, wire.tap, wire.bridge)
        links.settle(ns, wire.tap, wire.bridge)


def plug(host: str, guest: str, wire: TapWire) -> None:
    """Connect the VM's card to the bridge and give it its address and default route (as its DHCP would).

    Raises:
        FabricError: No such bridge, or a name is taken.
    """
    with Namespace(host) as host_ns, Namespace(guest) as guest_ns:
        if host_ns.index(wire.bridge) is None:
            raise FabricError(f"{host} has no bridge {wire.bridge}")
        links.lay_cable(host_ns, wire.tap, guest_ns, wire.nic, port_mac=_tap_mac(wire.nic))
        links.join(host_ns, wire.tap, wire.bridge)
        links.configure(guest_ns, wire.nic)
        links.settle(guest_ns, wire.nic.device)
        links.settle(host_ns, wire.tap, wire.bridge)


def unplug(host: str, tap: str) -> None:
    """Remove the cable; a missing one is fine."""
    with Namespace(host) as ns:
        links.remove(ns, tap)


def park(host: str, guest: str, tap: str) -> None:
    """Take the cable's host end off the bridge and keep it in the guest, whose card loses nothing by that."""
    _move(host, guest, tap, _PARKED)


def unpark(host: str, guest: str, wire: TapWire) -> None:
    """Put a parked cable back on the bridge."""
    _move(guest, host, _PARKED, wire.tap)
    with Namespace(host) as host_ns, Namespace(guest) as guest_ns:
        links.join(host_ns, wire.tap, wire.bridge)
        links.settle(guest_ns, wire.nic.device)
        links.settle(host_ns, wire.tap, wire.bridge)


def _move(source: str, target: str, device: str, name: str) -> None:
    descriptor = os.open(NAMES / target, os.O_RDONLY | os.O_CLOEXEC)
    try:
        with Namespace(source) as ns:
            ns.netlink("link", "set", index=ns.require(device), state="down")
            ns.netlink("link", "set", index=ns.require(device), ifname=name, net_ns_fd=descriptor)
    finally:
        os.close(descriptor)


def _tap_mac(nic: Nic) -> str:
    # libvirt gives the tap the guest's MAC with the first octet fe, so that it never becomes the bridge's.
    return "fe" + nic.mac[2:]
