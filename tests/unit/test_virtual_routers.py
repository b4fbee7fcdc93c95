"""A VM that is a router: in the inventory, in what is planned, in the address plan, in lists of routers."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from wslnet.app.inventory_file import load_inventory
from wslnet.app.inventory_text import whole
from wslnet.engine.router_list import router_list
from wslnet.errors import InputError
from wslnet.model.address_plan import free_subnet
from wslnet.model.linux_facts import Identity, LinuxFacts
from wslnet.model.linux_network import Address
from wslnet.model.machine import Inventory, Kind, Machine
from wslnet.model.reach import all_probes
from wslnet.model.snapshot import Snapshot
from wslnet.model.windows_facts import Adapter, WindowsAddress, WindowsFacts
from wslnet.profiles.nested import nested_resources

BEHIND = "10.20.0.0/24"
ROUTER = Machine("openwrt", Kind.VM, "wsl", "192.168.122.50", routes=(BEHIND,))
MACHINES = {
    one.name: one
    for one in (
        Machine("windows", Kind.WINDOWS),
        Machine("wsl", Kind.WSL, "windows"),
        ROUTER,
        Machine("lan", Kind.PEER, address="172.24.21.50"),
    )
}
INVENTORY = Inventory(Path("wslnet.toml"), Path("state"), MACHINES)
WSL = LinuxFacts(addresses=(Address("virbr0", 4, "192.168.122.1", 24),))


def router(python: str) -> LinuxFacts:
    addresses = (Address("eth0", 4, "192.168.122.50", 24), Address("br-lan", 4, "10.20.0.1", 24))
    return LinuxFacts(Identity("openwrt", "6.6", "b", python, 0), addresses=addresses)


def planned(facts: dict[str, LinuxFacts]) -> list[tuple[str, str]]:
    found = nested_resources(Snapshot(INVENTORY, facts))
    return [(one.machine, one.name) for one in found if BEHIND in one.name or one.machine == "openwrt"]


@pytest.mark.row("S2-23")
def test_a_router_is_routed_through_and_left_alone_where_it_looks_after_itself() -> None:
    there = ("wsl", f"route {BEHIND}")
    assert planned({"wsl": WSL}) == [there]
    assert planned({"wsl": WSL, "openwrt": router("")}) == [there]
    (route,) = (one for one in nested_resources(Snapshot(INVENTORY, {"wsl": WSL})) if BEHIND in one.name)
    (change,) = route.diff(replace(WSL, routes=()))
    assert (change.do.args["via"], change.do.args["dev"]) == ("192.168.122.50", "virbr0")
    names = [name for machine, name in planned({"wsl": WSL, "openwrt": router("3.11")})]
    assert "sysctl net.ipv4.ip_forward" in names
    assert sum("forward" in name for name in names) >= 2


@pytest.mark.row("S2-23")
def test_what_lies_behind_a_router_is_used() -> None:
    snapshot = Snapshot(INVENTORY, {"wsl": WSL})
    with pytest.raises(InputError, match=r"openwrt: 10\.20\.0\.0/24 lies behind it"):
        free_subnet(snapshot, BEHIND)
    assert free_subnet(snapshot, "10.21.0.0/24") == IPv4Network("10.21.0.0/24")


@pytest.mark.row("S2-06", "S2-23")
def test_windows_switch_and_router_vm_are_listed() -> None:
    windows = WindowsFacts(
        adapters=(Adapter(30, "vEthernet (WSL)", "Hyper-V Virtual Ethernet Adapter"),),
        addresses=(WindowsAddress(30, "vEthernet (WSL)", 4, "172.23.96.1", 20),),
    )
    switch, behind = router_list(Snapshot(INVENTORY, {"windows": windows})).routers
    assert (switch.gateway, switch.subnet, switch.way) == ("172.23.96.1", "172.23.96.0/20", "nat")
    assert (behind.maker, behind.gateway, behind.subnet) == ("vm", "192.168.122.50", BEHIND)


def test_the_inventory_says_it_and_reads_it_back(tmp_path: Path) -> None:
    file = tmp_path / "net.toml"
    saved = {**MACHINES, "openwrt": replace(ROUTER, save=True)}
    file.write_text(whole(replace(INVENTORY, machines=saved), {}), "utf-8")
    assert load_inventory(file).machines["openwrt"] == saved["openwrt"]


@pytest.mark.parametrize("wrong", ["10.20.0.1/24", "fd00::/64", "all"])
def test_what_is_no_network_is_refused(tmp_path: Path, wrong: str) -> None:
    file = tmp_path / "net.toml"
    text = whole(INVENTORY, {}).replace(BEHIND, wrong)
    file.write_text(text, "utf-8")
    with pytest.raises(InputError, match=r"machines\.openwrt\.routes: .* is no IPv4 network"):
        load_inventory(file)


@pytest.mark.row("S0-61")
def test_nobody_outside_is_expected_to_reach_a_nested_vm_unless_that_is_wished() -> None:
    def expected(inventory: Inventory) -> set[bool | None]:
        probes = all_probes(Snapshot(inventory, {"wsl": WSL}))
        return {one.expected for one in probes if (one.source, one.target) == ("lan", "openwrt")}

    assert expected(INVENTORY) == {False}
    wish = replace(INVENTORY.wish, reach=(("lan", "openwrt"),))
    assert expected(replace(INVENTORY, wish=wish)) == {True}
