"""Mirrored mode by packets: networks nested in WSL, published ports, tables shared with WSL."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from wslnet_lab.fabric import nested, netns
from wslnet_lab.fabric.model import BridgeNetwork, Nic, TapWire

from .conftest import HOST, LAN_ADDRESS, LOCAL, OUTSIDE, admit, rule

if TYPE_CHECKING:
    from tests.lab.fabric.conftest import World

    from wslnet_lab.fabric.mirrored import Mirroring

pytestmark = pytest.mark.lab

VIRBR0 = BridgeNetwork("virbr0", "52:54:00:7d:0b:60", "192.168.122.1/24")
VM = TapWire(
    "virbr0", "vnet0", Nic("enp1s0", "52:54:00:fc:38:e0", ("192.168.122.191/24",), "192.168.122.1", 100)
)


@pytest.fixture
def nested_vm(office: World, mirror: Mirroring) -> World:
    vm = office.add("vm")
    nested.start_network(mirror.guest.namespace, VIRBR0, "libvirt-chains")
    nested.plug(mirror.guest.namespace, vm, VM)
    return office


def test_nested_traffic_leaves_in_the_reserved_block_and_comes_back(nested_vm: World) -> None:
    nested_vm.serve("lan", "tcp", 80)
    nested_vm.serve("lan", "udp", 80)
    for proto in ("tcp", "udp"):
        answer = nested_vm.ask("vm", proto, LAN_ADDRESS, 80)
        assert answer.startswith(f"lan saw {HOST}:")
        assert 44620 <= int(answer.rsplit(":", 1)[1]) <= 48715
    assert nested_vm.ping("vm", OUTSIDE), "ICMP by libvirt's own masquerade"


def test_nested_icmp_needs_libvirts_masquerade(office: World, mirror: Mirroring) -> None:
    vm = office.add("vm")
    nested.start_network(mirror.guest.namespace, VIRBR0, "none")
    nested.plug(mirror.guest.namespace, vm, VM)
    office.serve("lan", "tcp", 80)
    assert office.ask("vm", "tcp", LAN_ADDRESS, 80).startswith(f"lan saw {HOST}:")
    assert not office.ping("vm", LAN_ADDRESS)
    office.sysctl("wsl", "ipv4/ip_forward", 0)
    assert office.ask("vm", "tcp", LAN_ADDRESS, 80) == "silence"
    assert office.ping("vm", HOST), "the guest's own address needs no forwarding"


def test_mark_1_on_forwarded_traffic_loses_its_replies(nested_vm: World) -> None:
    nested_vm.serve("lan", "tcp", 80)
    nested_vm.serve("lan", "udp", 80)
    nested_vm.run("wsl", "nft", "add chain ip filter m { type filter hook prerouting priority -150; }")
    nested_vm.run("wsl", "nft", "add rule ip filter m iifname virbr0 meta mark set 0x1")
    for proto in ("tcp", "udp"):
        assert nested_vm.ask("vm", proto, LAN_ADDRESS, 80, source_port=30000) == "silence", (
            "Windows reserves the block only"
        )
    nested_vm.run("wsl", "nft", "flush chain ip filter m")
    assert nested_vm.ask("vm", "tcp", LAN_ADDRESS, 80).startswith("lan")


def test_nothing_routes_into_the_nested_network(nested_vm: World) -> None:
    nested_vm.run("lan", "ip", "route", "add", "192.168.122.0/24", "via", HOST)
    assert not nested_vm.ping("lan", "192.168.122.191")
    assert not nested_vm.ping("windows", "192.168.122.191")


TO_SELF = "-m addrtype --dst-type LOCAL"


def iptables(world: World, words: str) -> None:
    world.run("wsl", "iptables-nft", *words.split())


def test_published_port_needs_a_listener_in_the_root_namespace(nested_vm: World, mirror: Mirroring) -> None:
    nested_vm.serve("vm", "tcp", 80)
    admit(nested_vm, rule("TCP", "8080"))
    iptables(nested_vm, f"-t nat -A PREROUTING -p tcp --dport 8080 {TO_SELF} -j DNAT --to 192.168.122.191:80")
    iptables(nested_vm, "-I FORWARD -d 192.168.122.191 -j ACCEPT")
    mirror.refresh()
    assert nested_vm.ask("lan", "tcp", HOST, 8080) == "refused"
    nested_vm.serve("wsl", "tcp", 8080)
    mirror.refresh()
    assert nested_vm.ask("lan", "tcp", HOST, 8080).startswith(f"vm saw {LAN_ADDRESS}:")


def test_localhost_of_windows_reaches_a_vm_only_with_snat_and_route_localnet(
    nested_vm: World, mirror: Mirroring
) -> None:
    nested_vm.serve("vm", "tcp", 80)
    nested_vm.serve("wsl", "tcp", 8080, "172.24.21.109")
    mirror.refresh()
    assert nested_vm.ask("windows", "tcp", LOCAL, 8080) == "refused"
    iptables(nested_vm, f"-t nat -A PREROUTING -p tcp --dport 8080 {TO_SELF} -j DNAT --to 192.168.122.191:80")
    iptables(nested_vm, "-I FORWARD -d 192.168.122.191 -j ACCEPT")
    assert nested_vm.ask("windows", "tcp", LOCAL, 8080) == "silence"
    iptables(nested_vm, "-t nat -I POSTROUTING -s 127.0.0.1 -o virbr0 -j MASQUERADE")
    assert nested_vm.ask("windows", "tcp", LOCAL, 8080) == "silence"
    nested_vm.sysctl("wsl", "ipv4/conf/virbr0/route_localnet", 1)
    assert nested_vm.ask("windows", "tcp", LOCAL, 8080).startswith("vm saw 192.168.122.1:")


def test_wsls_chains_and_iptables_share_tables(nested_vm: World) -> None:
    listing = nested_vm.run("wsl", "iptables-nft", "-t", "nat", "-S")
    assert "LIBVIRT_PRT" in listing
    assert "WSLPOSTROUTING" not in listing
    assert "WSLPOSTROUTING" in nested_vm.run("wsl", "nft", "list", "table", "ip", "nat")
    saved = nested_vm.run("wsl", "iptables-nft-save", "-t", "nat")
    with netns.Namespace(nested_vm.names["wsl"]) as ns:
        ns.run(["iptables-nft-restore"], stdin=saved)
    assert "WSLPOSTROUTING" not in nested_vm.run("wsl", "nft", "list", "table", "ip", "nat")
