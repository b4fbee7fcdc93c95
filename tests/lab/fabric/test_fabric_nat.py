"""NAT mode by packets: who reaches whom, what forwarding does, what outlives the guest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from wslnet_lab.fabric import hyperv_firewall, links, nat, netns, windows_ip
from wslnet_lab.fabric.hyperv_firewall import Policy, Rule
from wslnet_lab.fabric.model import NatLink, Nic
from wslnet_lab.fabric.netns import FabricError

if TYPE_CHECKING:
    from tests.lab.fabric.conftest import World

pytestmark = pytest.mark.lab

WSL = "172.23.109.38"
LAN = "172.24.21.10"
OUTSIDE = "203.0.113.1"
SWITCH = Nic("wslnat", "00:15:5d:8a:40:01", ("172.23.96.1/20",))
LINK = NatLink(SWITCH, Nic("eth0", "00:15:5d:13:0c:20", (f"{WSL}/20",), gateway="172.23.96.1"))
DEFAULT_SWITCH = Nic("defswitch", "00:15:5d:8a:40:09", ("172.30.0.1/20",))
VM = Nic("eth0", "00:15:5d:8a:40:0a", ("172.30.0.5/20",), gateway="172.30.0.1")
ADAPTERS = [
    windows_ip.Adapter("Ethernet", "ethernet", "physical", "{1}", "Realtek"),
    windows_ip.Adapter("vEthernet (WSL (Hyper-V firewall))", "wslnat", "wsl-nat", "{2}", "Hyper-V"),
    windows_ip.Adapter("vEthernet (Default Switch)", "defswitch", "default-switch", "{3}", "Hyper-V"),
]


def index_of(world: World, device: str) -> int:
    adapters = windows_ip.read_adapters(world.names["windows"], ADAPTERS)
    return next(adapter["index"] for adapter in adapters if adapter["device"] == device)


def forward(world: World, device: str, *, enabled: bool) -> None:
    windows_ip.set_forwarding(world.names["windows"], index_of(world, device), 4, enabled=enabled)


def start(world: World) -> None:
    nat.start(world.names["windows"], world.names["wsl"], LINK)


def add_default_switch_vm(world: World) -> None:
    vm = world.add("vm")
    nat.ensure_switch(world.names["windows"], DEFAULT_SWITCH)
    nat.plug(world.names["windows"], "defswitch", vm, VM, "defswitch-vm")
    with netns.Namespace(vm) as ns:
        links.configure(ns, VM)


def test_wsl_reaches_out_as_windows(office: World) -> None:
    start(office)
    office.serve("lan", "tcp", 80)
    office.serve("gw", "udp", 53, OUTSIDE)
    assert office.ask("wsl", "tcp", LAN, 80).startswith("lan saw 172.24.21.109:")
    assert office.ask("wsl", "udp", OUTSIDE, 53).startswith("gw saw 172.24.21.109:")
    assert office.ping("wsl", OUTSIDE)


def test_windows_and_wsl_reach_each_other(office: World) -> None:
    start(office)
    office.serve("wsl", "tcp", 8080)
    office.serve("windows", "tcp", 7070)
    assert office.ask("windows", "tcp", WSL, 8080).startswith("wsl saw 172.23.96.1:")
    assert office.ask("wsl", "tcp", "172.23.96.1", 7070).startswith(f"windows saw {WSL}:")
    assert office.ping("windows", WSL)
    assert office.ping("wsl", "172.23.96.1")


def test_lan_does_not_reach_wsl_even_with_a_route(office: World) -> None:
    start(office)
    assert not office.ping("lan", WSL)
    office.run("lan", "ip", "route", "add", "172.23.96.0/20", "via", "172.24.21.109")
    assert not office.ping("lan", WSL)


def test_forwarding_on_both_interfaces_routes_and_off_on_one_cuts(office: World) -> None:
    start(office)
    office.run("lan", "ip", "route", "add", "172.23.96.0/20", "via", "172.24.21.109")
    forward(office, "ethernet", enabled=True)
    assert not office.ping("lan", WSL)
    forward(office, "wslnat", enabled=True)
    assert office.ping("lan", WSL)
    forward(office, "ethernet", enabled=False)
    assert not office.ping("lan", WSL)
    assert office.ping("wsl", LAN), "ICS translates without the forwarding flag"


def test_default_switch_and_wsl_meet_only_with_forwarding(office: World) -> None:
    start(office)
    add_default_switch_vm(office)
    office.serve("vm", "tcp", 22)
    assert office.ping("vm", OUTSIDE)
    assert not office.ping("wsl", "172.30.0.5")
    forward(office, "wslnat", enabled=True)
    assert not office.ping("wsl", "172.30.0.5")
    forward(office, "defswitch", enabled=True)
    assert office.ping("wsl", "172.30.0.5")
    assert office.ping("vm", WSL)
    assert office.ask("wsl", "tcp", "172.30.0.5", 22).startswith(f"vm saw {WSL}:"), "routed, not translated"


def test_hyperv_firewall_holds_for_what_is_routed_to_wsl(office: World) -> None:
    start(office)
    add_default_switch_vm(office)
    for device in ("wslnat", "defswitch"):
        forward(office, device, enabled=True)
    office.serve("wsl", "tcp", 8080)
    assert office.ask("vm", "tcp", WSL, 8080) == "silence"
    rule = Rule("wslnet-a", "Inbound", "Allow", "TCP", ("8080",), ("172.30.0.0/20",))
    hyperv_firewall.apply(office.names["windows"], Policy(rules=(rule,)))
    assert office.ask("vm", "tcp", WSL, 8080).startswith("wsl saw 172.30.0.5:")
    assert not office.ping("vm", WSL), "the rule for ICMP is gone"


def test_loopback_off_separates_host_and_guest(office: World) -> None:
    start(office)
    office.serve("wsl", "tcp", 8080)
    hyperv_firewall.apply(office.names["windows"], Policy(loopback=False))
    assert office.ask("windows", "tcp", WSL, 8080) == "silence"
    hyperv_firewall.apply(office.names["windows"], Policy(enabled=False, loopback=False))
    assert office.ask("windows", "tcp", WSL, 8080).startswith("wsl saw")


def test_switch_outlives_the_guest_and_takes_the_next_one(office: World) -> None:
    windows = office.names["windows"]
    assert [a["device"] for a in windows_ip.read_adapters(windows, ADAPTERS)] == ["ethernet"]
    start(office)
    forward(office, "wslnat", enabled=True)
    before = index_of(office, "wslnat")
    nat.stop(windows)
    office.remove("wsl")
    adapter = windows_ip.read_adapters(windows, ADAPTERS)[1]
    assert adapter["index"] == before
    assert adapter["up"]
    assert adapter["carrier"]
    assert adapter["forwarding"] == {"4": True, "6": False}
    office.add("wsl")
    start(office)
    assert office.ping("wsl", OUTSIDE)
    nat.stop(windows)
    nat.stop(windows)


def test_a_second_address_for_the_switch_of_this_boot_is_refused(office: World) -> None:
    start(office)
    nat.stop(office.names["windows"])
    other = Nic(SWITCH.device, SWITCH.mac, ("172.20.0.1/20",))
    with pytest.raises(FabricError, match=r"has not the address 172\.20\.0\.1/20"):
        nat.ensure_switch(office.names["windows"], other)


def test_routes_and_adapters_as_windows_shows_them(office: World) -> None:
    windows = office.names["windows"]
    start(office)
    index = index_of(office, "wslnat")
    windows_ip.add_route(windows, 4, "192.168.122.0/24", WSL, index, 5)
    with pytest.raises(FabricError, match="File exists"):
        windows_ip.add_route(windows, 4, "192.168.122.0/24", WSL, index, 5)
    routes = windows_ip.read_routes(windows, ADAPTERS)
    added = {
        "family": 4,
        "dst": "192.168.122.0/24",
        "via": WSL,
        "index": index,
        "metric": 5,
        "proto": "static",
    }
    assert added in routes
    assert {(r["dst"], r["via"]) for r in routes if r["metric"] == 25} == {("0.0.0.0/0", "172.24.21.254")}
    windows_ip.delete_route(windows, 4, "192.168.122.0/24", WSL, index, None)
    assert added not in windows_ip.read_routes(windows, ADAPTERS)
    with pytest.raises(FabricError, match="No such process"):
        windows_ip.delete_route(windows, 4, "192.168.122.0/24", WSL, index, None)
    with pytest.raises(FabricError, match="no interface with the index 999"):
        windows_ip.set_forwarding(windows, 999, 4, enabled=True)
    ethernet = windows_ip.read_adapters(windows, ADAPTERS)[0]
    assert ethernet["mac"] == "1c:83:41:cf:a8:7c"
    assert {"family": 4, "address": "172.24.21.109", "prefix": 24} in ethernet["addresses"]
