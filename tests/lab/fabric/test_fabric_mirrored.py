"""Mirrored mode by packets: steering by port, Hyper-V firewall, 127.0.0.1, nested networks, re-sent cards."""

from __future__ import annotations

import dataclasses
import time
from typing import TYPE_CHECKING

import pytest

from wslnet_lab.fabric import hyperv_firewall, lan, mirrored, nested, netns, windows_ip
from wslnet_lab.fabric.hyperv_firewall import Policy, Rule
from wslnet_lab.fabric.model import BridgeNetwork, MirroredHost, Nic, TapWire
from wslnet_lab.fabric.netns import FabricError

if TYPE_CHECKING:
    from tests.lab.fabric.conftest import World

    from wslnet_lab.fabric.mirrored import Mirroring

pytestmark = pytest.mark.lab

HOST = "172.24.21.109"
LAN = "172.24.21.10"
OUTSIDE = "203.0.113.1"
LOCAL = "127.0.0.1"
ETHERNET = Nic(
    "ethernet",
    "1c:83:41:cf:a8:7c",
    (f"{HOST}/24", "2001:db8:21::109/64", "fe80::ef34:dd3d:aaaa:75f/64"),
    gateway="172.24.21.254",
    metric=25,
)
VIRBR0 = BridgeNetwork("virbr0", "52:54:00:7d:0b:60", "192.168.122.1/24")
VM = TapWire(
    "virbr0", "vnet0", Nic("enp1s0", "52:54:00:fc:38:e0", ("192.168.122.191/24",), "192.168.122.1", 100)
)


def allow(world: World, *rules: Rule, **policy: object) -> None:
    hyperv_firewall.apply(world.names["windows"], dataclasses.replace(Policy(rules=rules), **policy))


def rule(protocol: str, *ports: str, action: str = "Allow", remotes: tuple[str, ...] = ()) -> Rule:
    return Rule(f"{action}-{protocol}-{ports}", "Inbound", action, protocol, ports, remotes)


@pytest.fixture
def mirror(office: World) -> Mirroring:
    return mirrored.start(office.names["windows"], office.names["wsl"], MirroredHost((ETHERNET,), ("eth1",)))


def test_set_up_is_quick_and_take_down_leaves_windows_as_it_was(office: World) -> None:
    windows = office.names["windows"]
    shown = [
        ("ip", "rule"),
        ("ip", "-br", "link"),
        ("ip", "route", "show", "table", "all"),
        ("nft", "list", "ruleset"),
    ]

    def look() -> list[str]:
        return [office.run("windows", *command) for command in shown]

    before = look()
    began = time.monotonic()
    mirror = mirrored.start(windows, office.names["wsl"], MirroredHost((ETHERNET,), ("eth1",)))
    assert time.monotonic() - began < 0.5
    assert look() != before
    office.remove("wsl")
    mirror.stop()
    assert look() == before
    mirrored.clear(windows)
    assert look() == before


def test_lan_reaches_what_wsl_has_bound_and_the_firewall_admits(office: World, mirror: Mirroring) -> None:
    for proto in ("tcp", "udp"):
        office.serve("wsl", proto, 8080)
        office.serve("wsl", proto, 9090)
        office.serve("windows", proto, 7070)
    allow(office, rule("TCP", "8080"), rule("UDP", "8000-8100"))
    assert mirror.refresh()
    assert not mirror.refresh()
    for proto in ("tcp", "udp"):
        assert office.ask("lan", proto, HOST, 8080).startswith(f"wsl saw {LAN}:")
        assert office.ask("lan", proto, HOST, 9090) == "silence"
        assert office.ask("lan", proto, HOST, 7070).startswith(f"windows saw {LAN}:")
        assert office.ask("lan", proto, HOST, 7777) == "refused"


def test_ipv6_is_steered_too(office: World, mirror: Mirroring) -> None:
    office.serve("wsl", "tcp", 8080, "::")
    office.serve("lan", "tcp", 80, "::")
    allow(office, rule("TCP", "8080", remotes=("LocalSubnet",)))
    mirror.refresh()
    assert office.ask("lan", "tcp", "2001:db8:21::109", 8080).startswith("wsl saw 2001:db8:21::10:")
    assert office.ask("wsl", "tcp", "2001:db8:21::10", 80).startswith("lan saw 2001:db8:21::109:")
    assert office.ping("wsl", "2001:db8:21::10")
    assert office.ping("windows", "2001:db8:21::10")


def test_a_port_is_steered_while_it_is_bound(office: World, mirror: Mirroring) -> None:
    allow(office, rule("TCP"))
    with office.serve("wsl", "tcp", 8080):
        mirror.refresh()
        assert office.ask("lan", "tcp", HOST, 8080).startswith("wsl")
    office.serve("windows", "tcp", 8080)
    mirror.refresh()
    assert 8080 not in mirror.steered.tcp
    assert office.ask("lan", "tcp", HOST, 8080).startswith("windows")


def test_a_port_of_windows_stays_with_windows(office: World, mirror: Mirroring) -> None:
    allow(office, rule("TCP"))
    office.serve("windows", "tcp", 22)
    office.serve("wsl", "tcp", 22)
    mirror.refresh()
    assert office.ask("lan", "tcp", HOST, 22).startswith("windows")
    assert office.ask("windows", "tcp", LOCAL, 22).startswith("windows")


def test_some_ports_never_reach_wsl(office: World, mirror: Mirroring) -> None:
    allow(office, rule("TCP"), rule("UDP"))
    office.serve("wsl", "tcp", 5004)
    office.serve("wsl", "udp", 68)
    office.serve("wsl", "tcp", 5005)
    mirror.refresh()
    assert office.ask("lan", "tcp", HOST, 5004) == "refused"
    assert office.ask("lan", "udp", HOST, 68) == "refused"
    assert office.ask("lan", "tcp", HOST, 5005).startswith("wsl")


@pytest.mark.parametrize(
    ("rules", "policy", "admitted"),
    [
        ((), {}, False),
        ((), {"default_inbound": "Allow"}, True),
        ((), {"enabled": False}, True),
        ((rule("TCP", "8080"),), {}, True),
        ((rule("TCP", "8000-8079"),), {}, False),
        ((rule("UDP", "8080"),), {}, False),
        ((rule("6"),), {}, True),
        ((rule("Any"),), {}, True),
        ((rule("TCP", "8080", remotes=("172.24.21.10",)),), {}, True),
        ((rule("TCP", "8080", remotes=("172.24.21.0/255.255.255.0",)),), {}, True),
        ((rule("TCP", "8080", remotes=("172.24.21.11-172.24.21.20",)),), {}, False),
        ((rule("TCP", "8080", remotes=("10.0.0.0/8", "2001:db8::/32")),), {}, False),
        ((rule("TCP", "8080", remotes=("LocalSubnet",)),), {}, True),
        ((rule("TCP", "RPC"),), {}, False),
        ((rule("TCP", "8080"), rule("TCP", "8080", action="Block")), {}, False),
        ((rule("TCP", "8080", action="Block"),), {"default_inbound": "Allow"}, False),
    ],
)
def test_hyperv_firewall_decides_inbound(
    office: World, mirror: Mirroring, rules: tuple[Rule, ...], policy: dict[str, object], *, admitted: bool
) -> None:
    office.serve("wsl", "tcp", 8080)
    mirror.refresh()
    allow(office, *rules, **policy)
    answer = office.ask("lan", "tcp", HOST, 8080)
    assert answer.startswith("wsl saw") if admitted else answer == "silence"


def test_hyperv_firewall_outbound(office: World, mirror: Mirroring) -> None:
    office.serve("lan", "tcp", 80)
    office.serve("lan", "udp", 80)
    office.serve("wsl", "tcp", 8080)
    mirror.refresh()
    allow(office, rule("TCP", "8080"), default_outbound="Block")
    assert office.ask("wsl", "tcp", LAN, 80) == "silence"
    assert office.ask("wsl", "udp", LAN, 80) == "silence"
    assert not office.ping("wsl", LAN)
    assert office.ask("lan", "tcp", HOST, 8080).startswith("wsl"), "replies are part of what came in"
    assert office.ask("windows", "tcp", LAN, 80).startswith("lan"), "it is the guest's firewall, not Windows'"


@pytest.mark.parametrize(
    "bad", [rule("TCP", "http!"), rule("ICMPv4", "80"), rule("TCP", "80", remotes=("here",))]
)
def test_a_rule_that_says_nothing_is_refused_by_name(office: World, bad: Rule) -> None:
    with pytest.raises(FabricError, match="rule Allow-"):
        allow(office, bad)


def test_wsl_and_windows_both_reach_out(office: World, mirror: Mirroring) -> None:
    office.serve("lan", "tcp", 80)
    office.serve("lan", "udp", 80)
    office.serve("gw", "tcp", 80, OUTSIDE)
    for role in ("wsl", "windows"):
        for proto in ("tcp", "udp"):
            assert office.ask(role, proto, LAN, 80).startswith(f"lan saw {HOST}:")
        assert office.ask(role, "tcp", OUTSIDE, 80).startswith(f"gw saw {HOST}:")
        assert office.ping(role, LAN)
        assert office.ping(role, OUTSIDE)
    assert office.ping("lan", HOST)
    port = int(office.ask("wsl", "tcp", LAN, 80).rsplit(":", 1)[1])
    assert 44620 <= port <= 48715
    assert mirror.host.block.first == 44620


def test_a_client_bound_to_a_port_of_its_own_gets_its_replies_at_once(
    office: World, mirror: Mirroring
) -> None:
    office.serve("lan", "tcp", 2049)
    office.serve("lan", "udp", 2049)
    assert office.ask("wsl", "tcp", LAN, 2049, source_port=700).startswith(f"lan saw {HOST}:700")
    assert office.ask("wsl", "udp", LAN, 2049, source_port=700).startswith(f"lan saw {HOST}:700")
    assert mirror.steered.tcp == frozenset()


def test_large_packets_pass_in_fragments(office: World, mirror: Mirroring) -> None:
    assert office.run("wsl", "ping", "-n", "-c1", "-W1", "-s", "4000", LAN)
    assert mirror.guest.namespace == office.names["wsl"]


def test_localhost_is_one_for_both(office: World, mirror: Mirroring) -> None:
    for proto in ("tcp", "udp"):
        office.serve("wsl", proto, 2222, LOCAL)
        office.serve("windows", proto, 3389)
        office.serve("windows", proto, 5000, LOCAL)
    mirror.refresh()
    for proto in ("tcp", "udp"):
        for role in ("windows", "wsl"):
            assert office.ask(role, proto, LOCAL, 2222).startswith(f"wsl saw {LOCAL}:")
            assert office.ask(role, proto, LOCAL, 3389).startswith(f"windows saw {LOCAL}:")
            assert office.ask(role, proto, LOCAL, 5000).startswith(f"windows saw {LOCAL}:")
    # Of the guest's UDP to nobody Windows' complaint stays in Windows: ICMP never crosses (wsl-facts 2.2).
    assert office.ask("wsl", "udp", LOCAL, 7777) == "silence"
    for role, proto in (("wsl", "tcp"), ("windows", "tcp"), ("windows", "udp")):
        assert office.ask(role, proto, LOCAL, 7777) == "refused"
    assert office.ping("wsl", LOCAL)
    assert office.ping("windows", LOCAL)


def test_localhost_of_windows_needs_loopback_enabled(office: World, mirror: Mirroring) -> None:
    office.serve("wsl", "tcp", 2222)
    office.serve("windows", "tcp", 3389)
    mirror.refresh()
    allow(office, rule("TCP"), loopback=False)
    assert office.ask("wsl", "tcp", LOCAL, 3389) == "silence"
    assert office.ask("windows", "tcp", LOCAL, 2222) == "silence"
    assert office.ask("wsl", "tcp", LOCAL, 2222).startswith("wsl"), "the guest's own ports come back to it"


def test_own_lan_address_is_not_the_other_side(office: World, mirror: Mirroring) -> None:
    office.serve("wsl", "tcp", 8080)
    office.serve("windows", "tcp", 7070)
    mirror.refresh()
    assert office.ask("wsl", "tcp", HOST, 8080).startswith("wsl")
    assert office.ask("wsl", "tcp", HOST, 7070) == "refused"
    assert office.ask("windows", "tcp", HOST, 8080) == "refused"


def test_own_lan_address_leads_to_both_with_host_address_loopback(office: World) -> None:
    wish = MirroredHost((ETHERNET,), ("eth1",), host_address_loopback=True)
    mirror = mirrored.start(office.names["windows"], office.names["wsl"], wish)
    for proto in ("tcp", "udp"):
        office.serve("wsl", proto, 8080)
        office.serve("windows", proto, 7070)
    mirror.refresh()
    for role in ("wsl", "windows"):
        for proto in ("tcp", "udp"):
            assert office.ask(role, proto, HOST, 8080).startswith(f"wsl saw {HOST}:")
            assert office.ask(role, proto, HOST, 7070).startswith(f"windows saw {HOST}:")
    assert office.ask("wsl", "tcp", HOST, 7777) == "refused"
    office.serve("lan", "tcp", 80)
    assert office.ask("wsl", "tcp", LAN, 80).startswith("lan")
    assert office.ask("windows", "tcp", LAN, 80).startswith("lan")
    mirror.stop()
    assert office.ask("windows", "tcp", HOST, 7070).startswith("windows")


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
        answer = nested_vm.ask("vm", proto, LAN, 80)
        assert answer.startswith(f"lan saw {HOST}:")
        assert 44620 <= int(answer.rsplit(":", 1)[1]) <= 48715
    assert nested_vm.ping("vm", OUTSIDE), "ICMP by libvirt's own masquerade"


def test_nested_icmp_needs_libvirts_masquerade(office: World, mirror: Mirroring) -> None:
    vm = office.add("vm")
    nested.start_network(mirror.guest.namespace, VIRBR0, "none")
    nested.plug(mirror.guest.namespace, vm, VM)
    office.serve("lan", "tcp", 80)
    assert office.ask("vm", "tcp", LAN, 80).startswith(f"lan saw {HOST}:")
    assert not office.ping("vm", LAN)
    office.sysctl("wsl", "ipv4/ip_forward", 0)
    assert office.ask("vm", "tcp", LAN, 80) == "silence"
    assert office.ping("vm", HOST), "the guest's own address needs no forwarding"


def test_mark_1_on_forwarded_traffic_loses_its_replies(nested_vm: World) -> None:
    nested_vm.serve("lan", "tcp", 80)
    nested_vm.serve("lan", "udp", 80)
    nested_vm.run("wsl", "nft", "add chain ip filter m { type filter hook prerouting priority -150; }")
    nested_vm.run("wsl", "nft", "add rule ip filter m iifname virbr0 meta mark set 0x1")
    for proto in ("tcp", "udp"):
        assert nested_vm.ask("vm", proto, LAN, 80, source_port=30000) == "silence", (
            "Windows reserves the block only"
        )
    nested_vm.run("wsl", "nft", "flush chain ip filter m")
    assert nested_vm.ask("vm", "tcp", LAN, 80).startswith("lan")


def test_nothing_routes_into_the_nested_network(nested_vm: World) -> None:
    nested_vm.run("lan", "ip", "route", "add", "192.168.122.0/24", "via", HOST)
    assert not nested_vm.ping("lan", "192.168.122.191")
    assert not nested_vm.ping("windows", "192.168.122.191")


TO_SELF = "-m addrtype --dst-type LOCAL"


def iptables(world: World, words: str) -> None:
    world.run("wsl", "iptables-nft", *words.split())


def test_published_port_needs_a_listener_in_the_root_namespace(nested_vm: World, mirror: Mirroring) -> None:
    nested_vm.serve("vm", "tcp", 80)
    allow(nested_vm, rule("TCP", "8080"))
    iptables(nested_vm, f"-t nat -A PREROUTING -p tcp --dport 8080 {TO_SELF} -j DNAT --to 192.168.122.191:80")
    iptables(nested_vm, "-I FORWARD -d 192.168.122.191 -j ACCEPT")
    mirror.refresh()
    assert nested_vm.ask("lan", "tcp", HOST, 8080) == "refused"
    nested_vm.serve("wsl", "tcp", 8080)
    mirror.refresh()
    assert nested_vm.ask("lan", "tcp", HOST, 8080).startswith(f"vm saw {LAN}:")


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


def test_a_resent_card_loses_what_the_user_added_and_nothing_of_ours(
    office: World, mirror: Mirroring
) -> None:
    add = ["addr add 172.24.21.200/24 dev eth1", "route add 10.50.0.0/16 via 172.24.21.10"]
    add += [
        "rule add pref 100 from 192.168.122.0/24 lookup 200",
        "route add 10.60.0.0/16 via 172.24.21.10 table 200",
    ]
    for words in add:
        office.run("wsl", "ip", *words.split())
    office.run("windows", "ip", "link", "set", "ethernet", "mtu", "1400")
    assert mirror.refresh()
    assert "172.24.21.200" not in office.run("wsl", "ip", "addr")
    assert "10.50.0.0" not in office.run("wsl", "ip", "route")
    assert "100:" in office.run("wsl", "ip", "rule")
    assert "mtu 1400" in office.run("wsl", "ip", "link", "show", "eth1")
    assert office.ping("wsl", OUTSIDE)
    office.run("wsl", *["ip", "addr", "add", "172.24.21.200/24", "dev", "eth1"])
    mirror.resend("ethernet")
    assert "172.24.21.200" not in office.run("wsl", "ip", "addr")
    with pytest.raises(FabricError, match="no card wlan"):
        mirror.resend("wlan")


def test_windows_gets_another_address_and_the_guest_follows(office: World, mirror: Mirroring) -> None:
    office.run("windows", "ip", "addr", "add", "172.24.21.111/24", "dev", "ethernet")
    office.run("windows", "ip", "addr", "del", f"{HOST}/24", "dev", "ethernet")
    office.run("windows", "ip", "addr", "replace", "172.24.21.111/24", "dev", "ethernet")
    office.run("windows", "ip", "route", "replace", "default", "via", "172.24.21.254")
    assert mirror.refresh()
    assert not mirror.refresh()
    office.serve("wsl", "tcp", 8080)
    allow(office, rule("TCP", "8080"))
    mirror.refresh()
    assert office.ask("lan", "tcp", "172.24.21.111", 8080).startswith("wsl")
    assert office.ping("wsl", OUTSIDE)
    assert HOST not in office.run("wsl", "ip", "addr")


def test_a_route_of_windows_appears_in_the_guest_and_goes_again(office: World, mirror: Mirroring) -> None:
    shown = "10.50.0.0/16 via 172.24.21.10 dev eth1 proto kernel metric 30"
    office.run("windows", *f"ip route add 10.50.0.0/16 via {LAN} metric 5".split())
    mirror.refresh()
    assert shown in office.run("wsl", "ip", "route")
    office.run("windows", *f"ip route del 10.50.0.0/16 via {LAN}".split())
    mirror.refresh()
    assert shown not in office.run("wsl", "ip", "route")
    assert office.ping("wsl", OUTSIDE)


def test_a_pulled_cable_takes_the_card_down_and_back(office: World, mirror: Mirroring) -> None:
    before = office.run("wsl", "ip", "-4", "route")
    lan.set_cable(office.names["gw"], ETHERNET.mac, connected=False)
    wait_for(mirror)
    assert "state DOWN" in office.run("wsl", "ip", "link", "show", "eth1")
    assert HOST not in office.run("wsl", "ip", "addr")
    lan.set_cable(office.names["gw"], ETHERNET.mac, connected=True)
    wait_for(mirror)
    assert office.run("wsl", "ip", "-4", "route") == before
    assert office.ping("wsl", OUTSIDE)
    with pytest.raises(FabricError, match="no card 02:00:00:00:00:77"):
        lan.set_cable(office.names["gw"], "02:00:00:00:00:77", connected=False)


def wait_for(mirror: Mirroring) -> None:
    """Until the next change is followed: a carrier comes and goes some time after the cable."""
    deadline = time.monotonic() + 3
    while not mirror.refresh():
        assert time.monotonic() < deadline, "nothing changed"
        time.sleep(0.05)


def test_two_cards_and_one_without_a_cable(office: World) -> None:
    second = Nic("vpn", "02:00:4c:4f:4f:50", ("10.99.0.5/24",), metric=1, mtu=1400)
    idle = Nic("wlan", "a8:59:5f:53:19:d9", connected=False)
    far = office.add("vpnfar")
    lan.build_switch(far, Nic("vpnlan", "02:00:00:00:00:99", ("10.99.0.1/24",)))
    for nic in (second, idle):
        lan.plug(far, "vpnlan", office.names["windows"], nic)
    host = MirroredHost((second, ETHERNET, idle), ("eth0", "eth1", "eth2"))
    mirror = mirrored.start(office.names["windows"], office.names["wsl"], host)
    assert office.ping("wsl", "10.99.0.1")
    assert office.ping("wsl", OUTSIDE)
    office.serve("wsl", "tcp", 8080)
    allow(office, rule("TCP", "8080"))
    mirror.refresh()
    assert office.ask("vpnfar", "tcp", "10.99.0.5", 8080).startswith("wsl saw 10.99.0.1:")
    assert "state DOWN" in office.run("wsl", "ip", "link", "show", "eth2")
    rules = office.run("wsl", "ip", "-4", "rule").splitlines()
    assert sum("iif eth2" in line for line in rules) == 2


def test_starting_anew_without_an_orderly_stop(office: World, mirror: Mirroring) -> None:
    office.remove("wsl")
    office.add("wsl")
    again = mirrored.start(office.names["windows"], office.names["wsl"], mirror.host)
    office.serve("wsl", "tcp", 2222)
    again.refresh()
    assert office.ask("windows", "tcp", LOCAL, 2222).startswith("wsl")
    assert office.ping("wsl", OUTSIDE)


def test_adapters_that_end_outside_the_lab(office: World) -> None:
    windows = office.names["windows"]
    tunnel = Nic("vpn", "00:15:5d:13:0c:12", ("10.61.2.254/32",), metric=1, mtu=1420)
    vmnet = Nic("vmnet1", "00:50:56:c0:00:01", ("192.168.198.1/24",), metric=35)
    for nic in (tunnel, vmnet):
        windows_ip.add_idle_adapter(windows, nic.device, nic.mac, *nic.addresses, mtu=nic.mtu)
    windows_ip.add_idle_adapter(windows, "fse", "00:15:5d:8a:40:02")
    known = [
        windows_ip.Adapter(device, device, kind, f"{{{device}}}", "")
        for device, kind in (("vpn", "vpn"), ("vmnet1", "vmware"), ("fse", "fse"))
    ]
    shown = {adapter["device"]: adapter for adapter in windows_ip.read_adapters(windows, known)}
    assert all(adapter["up"] and adapter["carrier"] for adapter in shown.values())
    assert shown["fse"]["addresses"] == []
    assert shown["vpn"]["mtu"] == 1420
    host = MirroredHost((tunnel, dataclasses.replace(vmnet, connected=False)), ("eth0", "eth1"))
    mirror = mirrored.start(windows, office.names["wsl"], host)
    listing = office.run("wsl", "ip", "-br", "-4", "addr")
    assert "10.61.2.254/32" in listing
    assert "192.168.198.1" not in listing
    assert not mirror.refresh()
