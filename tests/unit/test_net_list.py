"""`net list`: bridges with spanning tree and ports, and where each MAC address is, from facts alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from wslnet.cli.render_net import list_to_json, print_list
from wslnet.model.bridges import bridges_of
from wslnet.model.linux_facts import LinuxFacts
from wslnet.model.linux_network import Address, Bridging, Device, ForwardingEntry, Link
from wslnet.model.machine import Inventory, Kind, Machine, Wish
from wslnet.model.snapshot import Snapshot

GUEST, TAP = "52:54:00:aa:bb:cc", "fe:54:00:aa:bb:cc"
FACTS = LinuxFacts(
    links=(
        Link(1, "eth0", "00:15:5d:00:00:01", 1500, up=True, carrier=True),
        Link(2, "virbr0", "52:54:00:7d:0b:60", 1500, up=True, carrier=True, kind="bridge"),
        Link(3, "vnet0", TAP, 1500, up=True, carrier=True, kind="tun", master="virbr0"),
        Link(4, "br-lab", "52:54:00:00:00:02", 1500, up=True, kind="bridge"),
    ),
    addresses=(Address("virbr0", 4, "192.168.122.1", 24),),
    bridging=Bridging(
        (Device("virbr0", stp=True), Device("vnet0", owner="64055"), Device("br-lab", stp=False))
    ),
    fdb=(
        ForwardingEntry("virbr0", "vnet0", GUEST),
        ForwardingEntry("virbr0", "vnet0", TAP, own=True),
    ),
)
SNAPSHOT = Snapshot(
    Inventory(Path("wslnet.toml"), Path("state"), {"wsl": Machine("wsl", Kind.WSL)}, Wish()),
    {"wsl": FACTS},
    {},
)


@pytest.mark.row("S0-20")
def test_bridges_come_with_spanning_tree_and_ports(capsys: pytest.CaptureFixture[str]) -> None:
    virbr0, lab = bridges_of(FACTS)
    assert (virbr0.name, virbr0.maker, virbr0.stp, [port.name for port in virbr0.ports]) == (
        "virbr0", "libvirt", True, ["vnet0"]
    )  # fmt: skip
    assert (lab.name, lab.stp, lab.ports) == ("br-lab", False, ())
    print_list(SNAPSHOT)
    lines = capsys.readouterr().out.splitlines()
    assert "wsl: virbr0 (libvirt) 192.168.122.1/24, STP on" in lines
    assert "  port vnet0 (tap of 64055) up" in lines
    assert "wsl: br-lab (Docker) no address, STP off" in lines


@pytest.mark.row("S0-55", "S2-20")
def test_where_each_mac_address_is_and_which_are_a_port_s_own(capsys: pytest.CaptureFixture[str]) -> None:
    (virbr0, lab) = list_to_json(SNAPSHOT)["machines"]["wsl"]["bridges"]  # type: ignore[index, call-overload]
    assert [(one["mac"], one["port"], one["own"]) for one in virbr0["fdb"]] == [
        (GUEST, "vnet0", False),
        (TAP, "vnet0", True),
    ]
    assert lab["fdb"] == ()
    print_list(SNAPSHOT)
    lines = capsys.readouterr().out.splitlines()
    assert f"  {GUEST} behind vnet0" in lines
    assert f"  {TAP} behind vnet0 (its own)" in lines
