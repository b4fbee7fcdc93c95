"""Texts for whoever runs a guest on a tap, and for the guest: QEMU's arguments, libvirt's XML, its network.

Pure text. The guest's card is told by its MAC address wherever the format can do that: how the guest calls
it is not known here.
"""

from __future__ import annotations

from ipaddress import IPv4Interface, IPv4Network
from typing import TYPE_CHECKING

from wslnet.errors import InputError
from wslnet.model.virtual_net import NetMode

if TYPE_CHECKING:
    from wslnet.model.virtual_net import TapPort, VirtualNet

FORMATS = ("cloud-init", "netplan", "ifupdown")


def port_of(net: VirtualNet, tap: str | None) -> tuple[TapPort, ...]:
    """The taps that are meant: all, or the one of that name or number (from 0).

    Raises:
        InputError: the net has none such.
    """
    if tap is None:
        if not net.taps:
            raise InputError(f"net {net.name} has no taps: create it with --taps")
        return net.taps
    named = {port.name: port for port in net.taps} | {str(n): port for n, port in enumerate(net.taps)}
    if tap not in named:
        raise InputError(f"net {net.name} has no tap {tap!r}; it has {', '.join(p.name for p in net.taps)}")
    return (named[tap],)


def qemu_arguments(port: TapPort, number: int = 0) -> tuple[str, ...]:
    """QEMU's arguments for one card on a tap that is there already, so no script is to make it."""
    return (
        "-netdev",
        f"tap,id=net{number},ifname={port.name},script=no,downscript=no",
        "-device",
        f"virtio-net-pci,netdev=net{number},mac={port.guest_mac}",
    )


def libvirt_network(net: VirtualNet) -> str:
    """The network to `virsh net-define`: libvirt's guests in this bridge; it makes none of its own."""
    return (
        "<network>\n"
        f"  <name>{net.name}</name>\n"
        "  <forward mode='bridge'/>\n"
        f"  <bridge name='{net.name}'/>\n"
        "</network>\n"
    )


def libvirt_interface(port: TapPort) -> str:
    """The card for a domain's XML, on the tap that is there already."""
    return (
        "<interface type='ethernet'>\n"
        f"  <mac address='{port.guest_mac}'/>\n"
        f"  <target dev='{port.name}' managed='no'/>\n"
        "  <model type='virtio'/>\n"
        "</interface>\n"
    )


def guest_config(
    net: VirtualNet, port: TapPort, form: str, *, address: str | None = None, device: str | None = None
) -> str:
    """The guest's network configuration in one of FORMATS; `address` with prefix, else the tap's own.

    Raises:
        InputError: the form needs the name of the guest's card, or there is none such.
    """
    own = address or port.guest_address
    if form == "ifupdown":
        if device is None:
            raise InputError("ifupdown names the card and knows no MAC address: give --device, such as ens3")
        return _ifupdown(net, own, device)
    if form not in FORMATS:
        raise InputError(f"no such form {form!r}: {', '.join(FORMATS)}")
    head = "network:\n" if form == "netplan" else ""
    depth = "  " if head else ""
    lines = ["version: 2", "ethernets:", "  lan0:", "    match:", f'      macaddress: "{port.guest_mac}"']
    if own is None:
        lines.append("    dhcp4: true")
    else:
        lines += ["    dhcp4: false", f"    addresses: [{own}]"]
        if net.gateway is not None:
            # What cloud-init and every netplan understand; `gateway4` is gone from newer ones.
            lines += ["    routes:", "      - to: 0.0.0.0/0", f"        via: {net.gateway}"]
    return head + "".join(f"{depth}{line}\n" for line in lines)


def _ifupdown(net: VirtualNet, own: str | None, device: str) -> str:
    lines = [f"auto {device}"]
    if own is None:
        lines.append(f"iface {device} inet dhcp")
    else:
        interface = IPv4Interface(own)
        lines += [f"iface {device} inet static", f"    address {interface.ip}"]
        lines.append(f"    netmask {interface.netmask}")
        if net.gateway is not None:
            lines.append(f"    gateway {net.gateway}")
    return "".join(f"{line}\n" for line in lines)


def reach_in_words(net: VirtualNet) -> str:
    """Who reaches whom, in one line."""
    subnet = IPv4Network(net.subnet) if net.subnet is not None else None
    return {
        NetMode.PRIVATE: "guests reach each other, and nobody else",
        NetMode.ROUTED: f"guests ({subnet}) reach each other and this machine, and nobody else",
        NetMode.NAT: f"guests ({subnet}) reach each other, this machine and whatever it reaches",
        NetMode.L2: f"guests are on the LAN of {net.uplink}, by MAC and address of their own",
    }[net.mode]
