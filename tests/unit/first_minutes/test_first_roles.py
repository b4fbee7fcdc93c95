"""Roles of adapters and which link of WSL stands for which, from note 000's own adapters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from wslnet.model.adapter_roles import Role, role_of, roles
from wslnet.model.mirror import mirrored_links
from wslnet.model.windows_facts import Adapter, WindowsAddress, WindowsFacts, WindowsRoute

if TYPE_CHECKING:
    from collections.abc import Callable

    from wslnet.model.snapshot import Snapshot

ROWS = [
    # name, description, mac, status, prefix, has a gateway, role
    ("以太网", "Realtek PCIe GbE Family Controller", "1c:83:41:cf:a8:7c", "Up", 24, True, Role.UPLINK),
    ("ctEAO-10", "ctEAO Tunnel", None, "Up", 32, False, Role.VPN),
    ("WireGuard", "Wintun", None, "Up", 32, True, Role.VPN),
    ("WLAN", "Intel(R) Wireless-AC", "a8:59:5f:53:19:d9", "Disconnected", None, False, Role.DISCONNECTED),
    ("本地连接* 9", "Microsoft Wi-Fi Direct", None, "Disconnected", None, False, Role.DISCONNECTED),
    ("VMware Network Adapter VMnet1", "VMware Virtual Ethernet Adapter for VMnet1", "00:50:56:c0:00:01",
     "Up", 24, False, Role.VMWARE),
    ("以太网 3", "VirtualBox Host-Only Ethernet Adapter", "0a:00:27:00:00:09", "Up", 24, False,
     Role.VIRTUALBOX),
    ("蓝牙网络连接", "Bluetooth Device (Personal Area Network)", "a8:59:5f:53:19:dd", "Disconnected", None,
     False, Role.BLUETOOTH),
    ("vEthernet (WSL (Hyper-V firewall))", "Hyper-V Virtual Ethernet Adapter", "00:15:5d:8a:40:01", "Up", 20,
     False, Role.WSL),
    ("vEthernet (FSE HostVnic)", "Hyper-V Virtual Ethernet Adapter #2", "00:15:5d:8a:40:02", "Up", None,
     False, Role.FSE),
    ("vEthernet (默认开关)", "Hyper-V Virtual Ethernet Adapter #3", "00:15:5d:8a:40:03", "Up", 20, False,
     Role.HYPER_V),
    ("vEthernet (extern)", "Hyper-V Virtual Ethernet Adapter #4", "1c:83:41:cf:a8:7c", "Up", 24, True,
     Role.UPLINK),
    ("lab", "Intel(R) I210", "3c:fd:fe:00:00:01", "Up", 24, False, Role.LOCAL),
]  # fmt: skip


@pytest.mark.row("S0-02", "S0-03", "S0-04")
@pytest.mark.parametrize("row", ROWS, ids=[f"{row[0]}: {row[-1]}" for row in ROWS])
def test_role(row: tuple[str, str, str | None, str, int | None, bool, Role]) -> None:
    name, description, mac, status, prefix, gateway, role = row
    adapter = Adapter(7, name, description, mac, status)
    addresses = () if prefix is None else (WindowsAddress(7, name, 4, "10.1.2.3", prefix),)
    routes = (WindowsRoute(7, name, 4, "0.0.0.0/0", "10.1.2.1"),) if gateway else ()
    assert role_of(adapter, WindowsFacts(adapters=(adapter,), addresses=addresses, routes=routes)) is role


@pytest.mark.row("S0-11")
def test_each_mirrored_link_is_told(stored: Callable[..., Snapshot]) -> None:
    told = {
        one.link: (one.adapter.name if one.adapter else None, one.by)
        for one in mirrored_links(stored("mirrored"))
    }
    assert told == {
        "eth0": ("ctEAO-10", "mac and address"),
        "eth1": ("以太网", "mac and address"),
        "eth2": ("VMware Network Adapter VMnet1", "mac and address"),
        "eth3": ("WLAN", "mac"),
        "eth4": ("VMware Network Adapter VMnet8", "mac and address"),
    }


def test_a_tunnel_is_told_by_its_address_alone(stored: Callable[..., Snapshot]) -> None:
    links = [{"index": 3, "name": "eth0", "mac": "00:15:5d:99:99:99", "up": True}]
    (one,) = mirrored_links(stored("mirrored", {"facts": {"wsl": {"links": links}}}))
    assert one.adapter is not None
    assert (one.adapter.name, one.by) == ("ctEAO-10", "address")


@pytest.mark.row("S0-58")
def test_a_card_without_ipv4_is_told_by_its_link_local_address(stored: Callable[..., Snapshot]) -> None:
    address = "fe80::1e83:41ff:fecf:a87c"
    addresses = [{"link": "eth1", "family": 6, "address": address, "prefix": 64, "scope": "link"}]
    links = [{"index": 3, "name": "eth1", "mac": "00:15:5d:99:99:99", "up": True}]
    whole = stored("mirrored", {"facts": {"wsl": {"links": links, "addresses": addresses}}})
    assert whole.windows is not None
    assert address in {one.address for one in whole.windows.addresses or ()}, "Windows' own, without its zone"
    (one,) = mirrored_links(whole)
    assert one.adapter is not None
    assert (one.adapter.name, one.by) == ("以太网", "address")


@pytest.mark.row("S2-22")
def test_networks_of_three_hypervisors_are_seen_together() -> None:
    adapters = tuple(
        Adapter(place, row[0], row[1], row[2], row[3]) for place, row in enumerate(ROWS) if row[2] is not None
    )
    found = roles(WindowsFacts(adapters=adapters)).values()
    assert {Role.VMWARE, Role.VIRTUALBOX, Role.HYPER_V} <= set(found)


def test_two_adapters_with_one_mac_are_told_apart_by_address_or_not_at_all(
    stored: Callable[..., Snapshot],
) -> None:
    mac = "1c:83:41:cf:a8:7c"
    adapters = [{"index": 2, "name": "以太网", "mac": mac}, {"index": 3, "name": "dock", "mac": mac}]
    links = [{"index": 4, "name": "eth1", "mac": mac}, {"index": 9, "name": "eth7", "mac": mac}]
    patch = {"facts": {"windows": {"adapters": adapters}, "wsl": {"links": links}}}
    first, second = mirrored_links(stored("mirrored", patch))
    assert first.adapter is not None
    assert first.adapter.name == "以太网"
    assert second.adapter is None


@pytest.mark.parametrize("name", ["nat"])
def test_nat_mode_mirrors_nothing(stored: Callable[..., Snapshot], name: str) -> None:
    assert mirrored_links(stored(name)) == ()
