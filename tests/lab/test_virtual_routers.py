"""Virtual routers: who serves guests, what fits through cards, what lies behind a VM, who sees none of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from .asking import run
from .canonical.snapshot import differences, take
from .conftest import wslnet

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .conftest import RunningLab

pytestmark = [pytest.mark.lab, pytest.mark.timeout(240)]

SERVER = "/usr/libexec/dnsmasq"
STOPPED = ("wsl", "windows", "lan")
BEHIND, INNER = "10.77.0.0/24", "10.77.0.1"


def finding(lab: RunningLab, code: str, machine: str) -> dict[str, Any]:
    _, said = run(lab, "doctor", "--only", code)
    (found,) = (one for one in said["findings"] if one["machine"] == machine)
    return dict(found)


@pytest.mark.row("S0-62", "S2-06")
def test_the_network_of_each_depth_serves_its_guests(shared_lab: RunningLab) -> None:
    code, said = run(shared_lab, "status", "net")
    assert code == 0
    libvirt = {one["machine"]: one for one in said["routers"] if one["name"] == "default"}
    assert {one["maker"] for one in libvirt.values()} == {"libvirt"}
    assert {name: (one["gateway"], one["subnet"], one["way"]) for name, one in libvirt.items()} == {
        "wsl": ("192.168.122.1", "192.168.122.0/24", "nat"),
        "vm1": ("192.168.124.1", "192.168.124.0/24", "nat"),
    }
    assert libvirt["vm1"]["ranges"] == [{"first": "192.168.124.2", "last": "192.168.124.254"}]
    assert [one["address"] for one in libvirt["vm1"]["leases"]] == ["192.168.124.91"]
    (switch,) = (one for one in said["routers"] if one["maker"] == "windows")
    assert switch["way"] == "nat"
    text = wslnet("--inventory", str(shared_lab.inventory), "status", "net").stdout
    assert "  dhcp: 192.168.122.2 to 192.168.122.254" in text.splitlines()
    for machine in ("wsl", "vm1"):
        found = finding(shared_lab, "dhcp.dnsmasq", machine)
        assert found["status"] == "ok", found
        assert "server dnsmasq, DHCP ok for 192.168." in found["evidence"][0]
        assert found["evidence"][0].endswith("DNS ok, 1 leases")


@pytest.mark.row("S0-62")
def test_a_server_that_was_ended_is_missed(shared_lab: RunningLab) -> None:
    shared_lab.run("vm1", [SERVER, "--stop", "default"])
    try:
        found = finding(shared_lab, "dhcp.dnsmasq", "vm1")
    finally:
        shared_lab.run("vm1", [SERVER, "default", "virbr0", "192.168.124.1"])
    assert (found["status"], found["title"]) == ("warn", "no server lives for default")
    assert "DHCP timeout" in found["evidence"][0]
    assert "DNS refused" in found["evidence"][0]
    assert finding(shared_lab, "dhcp.dnsmasq", "vm1")["status"] == "ok"


@pytest.mark.row("S0-12")
def test_a_wire_that_takes_less_than_the_card_sends(shared_lab: RunningLab) -> None:
    found = finding(shared_lab, "mtu", "wsl")
    assert found["status"] == "ok", found
    shown = shared_lab.outside("wsl", ["ip", "-4", "-j", "route", "show", "default"]).stdout
    gateway = json.loads(shown)[0]["gateway"]
    assert found["evidence"] == [f"wsl: eth0: MTU 1420, 1420 bytes went to {gateway} and back"]
    links = json.loads(shared_lab.outside("windows", ["ip", "-4", "-j", "address", "show"]).stdout)
    (device,) = (one for one in links if any(each.get("local") == gateway for each in one["addr_info"]))
    # The adapter is a switch; WSL hangs on it by its ports.
    shown = shared_lab.outside("windows", ["ip", "-j", "link", "show", "master", device["ifname"]]).stdout
    before = {one["ifname"]: one["mtu"] for one in (*json.loads(shown), device)}

    def set_mtu(sizes: dict[str, int]) -> None:
        for name, size in sizes.items():
            shared_lab.outside("windows", ["ip", "link", "set", "dev", name, "mtu", str(size)])

    set_mtu(dict.fromkeys(before, 1300))
    try:
        found = finding(shared_lab, "mtu", "wsl")
    finally:
        set_mtu(before)
    assert found["status"] == "warn", found
    assert found["evidence"] == [f"wsl: eth0: MTU 1420, 1300 bytes went to {gateway} and back"]


@pytest.mark.row("S0-61")
def test_nobody_outside_sees_a_nested_vm_and_the_matrix_says_so(shared_lab: RunningLab) -> None:
    def judged() -> tuple[int, dict[tuple[str, str], tuple[Any, Any]]]:
        code, said = run(shared_lab, "matrix")
        return code, {
            (one["to"], one["proto"]): (one["expected"], one["ok"])
            for one in said["pairs"]
            if one["from"] == "lan" and one["to"] in {"vm1", "vm2"}
        }

    hidden = {(vm, proto): (False, False) for vm in ("vm1", "vm2") for proto in ("icmp", "ssh")}
    assert judged()[1] == hidden
    # Somebody outside answers by the address of vm1: as if its network were routed to the LAN.
    there = ["192.168.122.191/32", "dev", "lo"]
    shared_lab.outside("gw", ["ip", "address", "add", *there])
    try:
        code, found = judged()
    finally:
        shared_lab.outside("gw", ["ip", "address", "del", *there])
    assert code == 11
    assert found["vm1", "icmp"] == (False, True)
    assert found["vm2", "icmp"] == (False, False)


@pytest.fixture
def behind_vm1(shared_lab: RunningLab) -> Iterator[Path]:
    """vm1 as a router with a network of its own behind it; an inventory that says so."""
    shared_lab.outside("vm1", ["ip", "link", "add", "lan0", "type", "bridge"])
    shared_lab.outside("vm1", ["ip", "address", "add", f"{INNER}/24", "dev", "lan0"])
    shared_lab.outside("vm1", ["ip", "link", "set", "lan0", "up"])
    text = shared_lab.inventory.read_text("utf-8")
    head = "[machines.vm1]\n"
    assert head in text
    file = shared_lab.inventory.with_name("router.toml")
    file.write_text(text.replace(head, f'{head}routes = ["{BEHIND}"]\n'), "utf-8")
    try:
        yield file
    finally:
        file.unlink()
        shared_lab.outside("vm1", ["ip", "link", "del", "lan0"])


@pytest.mark.row("S2-23")
def test_a_vm_is_the_router_to_what_lies_behind_it(shared_lab: RunningLab, behind_vm1: Path) -> None:
    assert not shared_lab.pings("wsl", INNER)
    code, said = run(behind_vm1, "vm", "reach", "vm1", "--yes")
    assert (code, said["result"]) == (0, "committed"), said
    assert shared_lab.pings("wsl", INNER)
    _, drawn = run(behind_vm1, "topo", "--format", "json")
    assert {one["name"]: one["kind"] for one in drawn["machines"]}["vm1"] == "router"
    _, listed = run(behind_vm1, "status", "net")
    (router,) = (one for one in listed["routers"] if one["maker"] == "vm")
    assert (router["machine"], router["gateway"], router["subnet"]) == ("vm1", "192.168.122.191", BEHIND)
    code, said = run(behind_vm1, "undo", "--yes")
    assert (code, said["result"]) == (0, "committed"), said
    assert not shared_lab.pings("wsl", INNER)


@pytest.mark.row("S0-50")
def test_a_card_is_put_into_libvirts_bridge_and_out_again(shared_lab: RunningLab) -> None:
    before = take(shared_lab, "vm1")
    code, said = run(shared_lab, "net", "attach", "eth0", "--on", "wsl", "--yes")
    assert (code, said["error"]["code"]) == (15, "unsupported")
    assert "no MAC address" in said["error"]["message"]

    attach = ["net", "attach", "enp1s0", "--on", "vm1", "--yes"]
    # What vm2 reaches by vm1's NAT it does not reach without it: that is refused unless it is agreed to.
    agreed = [word for one in STOPPED for word in ("--allow-regression", f"vm2->{one}")]
    code, said = run(shared_lab, *attach, *agreed)
    assert (code, said["result"]) == (0, "committed"), said["reason"]
    assert any("DHCP server" in note for note in said["notes"]), said["notes"]
    # vm1 is where it was, and its guest is on the wire of vm1's card, with its own address and unhidden.
    assert shared_lab.pings("wsl", "192.168.122.191")
    shared_lab.outside("wsl", ["ip", "address", "add", "192.168.124.77/24", "dev", "virbr0"])
    try:
        assert shared_lab.pings("wsl", "192.168.124.91")
        shown = shared_lab.outside("wsl", ["ip", "neigh", "show", "192.168.124.91"]).stdout
        assert "lladdr 52:54:00:" in shown
    finally:
        shared_lab.outside("wsl", ["ip", "address", "del", "192.168.124.77/24", "dev", "virbr0"])
    again = run(shared_lab, *attach)
    assert again[1]["result"] == "unchanged", again

    code, said = run(shared_lab, "net", "detach", "enp1s0", "--on", "vm1", "--yes")
    assert (code, said["result"]) == (0, "committed"), said
    assert differences(before, take(shared_lab, "vm1")) == []
    code, said = run(shared_lab, "net", "detach", "enp1s0", "--on", "vm1", "--yes")
    assert (code, said["error"]["code"]) == (2, "bad-input")
