"""One address planner: what is used anywhere is refused, with its owner; what is free is found."""

from __future__ import annotations

from ipaddress import IPv4Network
from pathlib import Path

import pytest

from wslnet.errors import InputError
from wslnet.model.address_plan import free_subnet, rivals
from wslnet.model.linux_facts import LinuxFacts
from wslnet.model.linux_network import Address, Route
from wslnet.model.machine import Inventory, Kind, Machine
from wslnet.model.snapshot import Snapshot
from wslnet.model.windows_facts import WindowsAddress, WindowsFacts, WindowsRoute


def snapshot() -> Snapshot:
    """Note 000 with Docker in WSL and a VPN on Windows, and 192.168.223.0/24 as vm2's own network."""
    machines = {
        "windows": Machine("windows", Kind.WINDOWS),
        "wsl": Machine("wsl", Kind.WSL, parent="windows"),
        "vm1": Machine("vm1", Kind.VM, parent="wsl", address="192.168.122.191"),
        "vm2": Machine("vm2", Kind.VM, parent="vm1", address="192.168.124.91"),
        "lan": Machine("lan", Kind.PEER, address="172.24.21.50"),
    }
    windows = WindowsFacts(
        addresses=(WindowsAddress(4, "以太网", 4, "172.24.21.109", 24),),
        routes=(
            WindowsRoute(4, "以太网", 4, "0.0.0.0/0", "172.24.21.254"),
            WindowsRoute(9, "ctEAO-10", 4, "0.0.0.0/1", "0.0.0.0"),
            WindowsRoute(9, "ctEAO-10", 4, "192.168.224.0/20", "0.0.0.0"),
            WindowsRoute(1, "Loopback", 4, "224.0.0.0/4", "0.0.0.0"),
        ),
    )
    wsl = LinuxFacts(
        addresses=(
            Address("lo", 4, "127.0.0.1", 8),
            Address("virbr0", 4, "192.168.122.1", 24),
            Address("docker0", 4, "172.17.0.1", 16),
            Address("virbr0", 6, "fe80::1", 64),
        ),
        routes=(
            Route(4, "default", via="172.24.21.254", dev="eth1"),
            Route(4, "192.168.124.0/24", via="192.168.122.191", dev="virbr0"),
        ),
    )
    vm1 = LinuxFacts(addresses=(Address("virbr0", 4, "192.168.124.1", 24),), routes=())
    vm2 = LinuxFacts(addresses=(Address("br-lab", 4, "192.168.223.1", 24),), routes=())
    peer = LinuxFacts(addresses=(Address("eth0", 4, "172.24.21.50", 24), Address("x", 4, "10.9.0.1", 24)))
    inventory = Inventory(Path("wslnet.toml"), Path("state"), machines)
    facts = {"windows": windows, "wsl": wsl, "vm1": vm1, "vm2": vm2, "lan": peer}
    return Snapshot(inventory, facts)


@pytest.mark.row("S4-09", "S0-19")
@pytest.mark.parametrize(
    ("wanted", "by"),
    [
        ("192.168.122.0/24", "wsl: 192.168.122.1/24 on virbr0"),
        ("192.168.124.128/25", "wsl: route to 192.168.124.0/24 via 192.168.122.191 on virbr0"),
        ("192.168.223.0/24", "vm2: 192.168.223.1/24 on br-lab"),
        ("172.17.5.0/24", "wsl: 172.17.0.1/16 on docker0"),
        ("172.24.0.0/16", "windows: 172.24.21.109/24 on 以太网"),
        ("192.168.230.0/24", "windows: route to 192.168.224.0/20 via 0.0.0.0 on ctEAO-10"),
    ],
)
def test_what_is_used_anywhere_is_refused_with_its_owner(wanted: str, by: str) -> None:
    with pytest.raises(InputError) as refused:
        free_subnet(snapshot(), wanted)
    assert f"is used already: {by}" in refused.value.message
    assert refused.value.hint is not None
    offered = refused.value.hint.split()[0]
    assert free_subnet(snapshot(), offered) == IPv4Network(offered)


@pytest.mark.row("S4-09")
def test_a_free_one_is_taken_as_it_is_or_found() -> None:
    assert free_subnet(snapshot(), "10.61.3.7/24") == IPv4Network("10.61.3.0/24")
    # 223 is vm2's, 224 to 239 the VPN's.
    assert free_subnet(snapshot(), None) == IPv4Network("192.168.240.0/24")
    assert free_subnet(snapshot(), "10.9.0.0/24") == IPv4Network("10.9.0.0/24"), "a peer's are its own"


@pytest.mark.row("S4-32")
def test_the_same_wish_twice_is_no_collision_with_itself() -> None:
    own = {("vm1", "virbr0")}
    assert free_subnet(snapshot(), "192.168.124.0/24", own) == IPv4Network("192.168.124.0/24")
    assert rivals(snapshot(), IPv4Network("192.168.0.0/16"), own)


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        ("nonsense", "no IPv4 prefix"),
        ("fd00::/64", "no IPv4 prefix"),
        ("192.168.5.0/31", "8 to 30 bits"),
        ("8.8.8.0/24", "no private network"),
        ("127.0.0.0/8", "no private network"),
        ("169.254.3.0/24", "no private network"),
    ],
)
def test_what_no_network_can_have_is_refused(wanted: str, why: str) -> None:
    with pytest.raises(InputError, match=why):
        free_subnet(snapshot(), wanted)


def test_when_everything_is_taken_it_says_so() -> None:
    full = Snapshot(
        snapshot().inventory,
        {
            "wsl": LinuxFacts(
                addresses=(Address("a", 4, "192.168.0.1", 16), Address("b", 4, "10.0.0.1", 8)), routes=()
            )
        },
    )
    with pytest.raises(InputError, match="no free subnet"):
        free_subnet(full, None)
