"""What guests of a net get: QEMU's arguments, libvirt's XML, and a network configuration that holds."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from ipaddress import IPv4Network

import pytest

from wslnet.errors import InputError
from wslnet.model.guest_config import (
    guest_config,
    libvirt_interface,
    libvirt_network,
    port_of,
    qemu_arguments,
    reach_in_words,
)
from wslnet.model.virtual_net import NetMode, VirtualNet, address_within, host_address, taps_of

SUBNET = IPv4Network("192.168.223.0/24")


def net(mode: str = "nat", subnet: IPv4Network | None = SUBNET) -> VirtualNet:
    address = host_address(subnet) if subnet is not None and mode != "private" else None
    ports = taps_of("vm1", "gefyra0", ("QemuTap0", "QemuTap1"), subnet)
    text = None if subnet is None else str(subnet)
    return VirtualNet("gefyra0", NetMode(mode), "52:54:00:02:b8:93", text, address, ports)


@pytest.mark.row("S4-04")
def test_qemu_is_told_the_tap_and_the_mac_of_each_guest() -> None:
    one, two = (qemu_arguments(port) for port in net().taps)
    assert one[:2] == ("-netdev", "tap,id=net0,ifname=QemuTap0,script=no,downscript=no")
    assert one[2] == "-device"
    assert one[3].startswith("virtio-net-pci,netdev=net0,mac=52:54:00:")
    assert one[3] != two[3]
    # A guest's MAC and its tap's differ in the first byte, as libvirt's do.
    assert all(port.mac == f"fe{port.guest_mac[2:]}" for port in net().taps)


@pytest.mark.row("S2-24")
def test_libvirt_is_told_the_bridge_and_makes_none() -> None:
    network = ET.fromstring(libvirt_network(net()))  # noqa: S314 - our own text
    forward, bridge = network.find("forward"), network.find("bridge")
    assert forward is not None
    assert bridge is not None
    assert (forward.get("mode"), bridge.get("name"), bridge.get("stp")) == ("bridge", "gefyra0", None)
    card = ET.fromstring(libvirt_interface(net().taps[0]))  # noqa: S314 - our own text
    target, mac = card.find("target"), card.find("mac")
    assert target is not None
    assert mac is not None
    assert (target.get("dev"), target.get("managed")) == ("QemuTap0", "no")
    assert mac.get("address") == net().taps[0].guest_mac


@pytest.mark.row("S4-06")
def test_the_three_forms_say_the_same() -> None:
    port = net().taps[0]
    cloud, plan = (guest_config(net(), port, form) for form in ("cloud-init", "netplan"))
    assert plan == "network:\n" + "".join(f"  {line}\n" for line in cloud.splitlines())
    assert cloud.splitlines() == [
        "version: 2",
        "ethernets:",
        "  lan0:",
        "    match:",
        f'      macaddress: "{port.guest_mac}"',
        "    dhcp4: false",
        "    addresses: [192.168.223.10/24]",
        "    routes:",
        "      - to: 0.0.0.0/0",
        "        via: 192.168.223.1",
    ]
    assert guest_config(net(), port, "ifupdown", device="ens3").splitlines() == [
        "auto ens3",
        "iface ens3 inet static",
        "    address 192.168.223.10",
        "    netmask 255.255.255.0",
        "    gateway 192.168.223.1",
    ]
    with pytest.raises(InputError, match="--device"):
        guest_config(net(), port, "ifupdown")


@pytest.mark.row("S2-17")
def test_only_a_nat_net_is_a_gateway_and_the_lan_answers_for_l2() -> None:
    for mode in ("private", "routed"):
        assert "via" not in guest_config(net(mode), net(mode).taps[0], "netplan")
    l2 = net("l2", None)
    assert "dhcp4: true" in guest_config(l2, l2.taps[0], "netplan")
    assert "inet dhcp" in guest_config(l2, l2.taps[0], "ifupdown", device="ens3")


@pytest.mark.row("S4-10")
@pytest.mark.parametrize("text", ["192.168.224.5", "192.168.223.0", "192.168.223.255", "192.168.223.1", "x"])
def test_a_guest_s_address_is_one_of_the_subnet_s(text: str) -> None:
    with pytest.raises(InputError):
        address_within(net(), text)
    assert address_within(net(), "192.168.223.77") == "192.168.223.77/24"


def test_small_subnets_have_room_for_few_guests() -> None:
    small = IPv4Network("192.168.223.0/30")
    (port,) = taps_of("vm1", "n", ("n-t0",), small)
    assert port.guest_address == "192.168.223.2/30"
    with pytest.raises(InputError, match="no room"):
        taps_of("vm1", "n", ("n-t0", "n-t1"), small)


def test_a_tap_is_named_or_numbered() -> None:
    assert port_of(net(), "1") == port_of(net(), "QemuTap1") == (net().taps[1],)
    assert port_of(net(), None) == net().taps
    with pytest.raises(InputError, match="QemuTap0, QemuTap1"):
        port_of(net(), "2")


@pytest.mark.parametrize("mode", list(NetMode))
def test_who_reaches_whom_is_said_in_a_line(mode: NetMode) -> None:
    assert reach_in_words(net(str(mode))).startswith("guests")
