"""A VM behind virbr0 in a VM behind virbr0: the table of linux-facts B2, by packets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from wslnet_lab.fabric import nested
from wslnet_lab.fabric.model import BridgeNetwork, Nic, TapWire
from wslnet_lab.fabric.netns import FabricError

if TYPE_CHECKING:
    from tests.lab.fabric.conftest import World

    from wslnet_lab.fabric.libvirt_rules import Generation

pytestmark = pytest.mark.lab

L2 = "192.168.124.91"
OUTER = BridgeNetwork("virbr0", "52:54:00:7d:0b:60", "192.168.122.1/24")
INNER = BridgeNetwork("virbr0", "52:54:00:e8:c6:c3", "192.168.124.1/24", placeholder="virbr0-nic")
VM1 = TapWire(
    "virbr0", "vnet0", Nic("enp1s0", "52:54:00:fc:38:e0", ("192.168.122.191/24",), "192.168.122.1", 100)
)
VM2 = TapWire("virbr0", "vnet0", Nic("ens3", "52:54:00:5a:1a:8e", (f"{L2}/24",), "192.168.124.1", 100))
FORWARD_IN = ("-s", "192.168.122.0/24", "-d", "192.168.124.0/24", "-j", "ACCEPT")
GENERATIONS = ["reject-in-forward", "libvirt-chains", "libvirt-nft"]


@pytest.fixture
def tower(empty: World) -> World:
    for role in ("wsl", "vm1", "vm2"):
        empty.add(role)
    nested.start_network(empty.names["wsl"], OUTER, "libvirt-chains")
    nested.plug(empty.names["wsl"], empty.names["vm1"], VM1)
    return empty


def raise_inner(tower: World, generation: Generation) -> None:
    nested.start_network(tower.names["vm1"], INNER, generation)
    nested.plug(tower.names["vm1"], tower.names["vm2"], VM2)


def route(tower: World) -> None:
    tower.run("wsl", "ip", "route", "add", "192.168.124.0/24", "via", "192.168.122.191")


@pytest.mark.parametrize("generation", GENERATIONS)
def test_table_of_b2(tower: World, generation: Generation) -> None:
    raise_inner(tower, generation)
    tower.serve("vm2", "tcp", 22)
    assert not tower.ping("wsl", L2), "nothing: no route"
    route(tower)
    assert "Destination Port Unreachable" in tower.ping_error("wsl", L2), "route only: libvirt's REJECT"
    assert tower.ask("wsl", "tcp", L2, 22) == "refused"
    tower.run("vm1", "iptables-nft", "-A", "FORWARD", *FORWARD_IN)
    assert not tower.ping("wsl", L2), "appended: below the REJECT"
    tower.run("vm1", "iptables-nft", "-D", "FORWARD", *FORWARD_IN)
    tower.run("vm1", "iptables-nft", "-I", "FORWARD", "1", *FORWARD_IN)
    if generation == "libvirt-nft":
        assert not tower.ping("wsl", L2), "another base chain's accept does not stop libvirt's own"
        return
    assert tower.ping("wsl", L2), "inserted above"
    assert tower.ask("wsl", "tcp", L2, 22).startswith("vm2 saw 192.168.122.1:")
    tower.sysctl("vm1", "ipv4/ip_forward", 0)
    assert tower.ping_error("wsl", L2).count("Unreachable") == 0
    assert not tower.ping("wsl", L2), "ip_forward 0: silent loss"


def test_nft_generation_opens_in_its_own_table(tower: World) -> None:
    raise_inner(tower, "libvirt-nft")
    route(tower)
    rule = "insert rule ip libvirt_network forward ip saddr 192.168.122.0/24 ip daddr 192.168.124.0/24 accept"
    tower.run("vm1", "nft", *rule.split())
    assert tower.ping("wsl", L2)


def test_accept_in_an_own_table_before_does_not_help(tower: World) -> None:
    raise_inner(tower, "reject-in-forward")
    route(tower)
    tower.run("vm1", "nft", "add table inet own")
    tower.run("vm1", "nft", "add chain inet own f { type filter hook forward priority -10; }")
    tower.run("vm1", "nft", "add rule inet own f accept")
    assert not tower.ping("wsl", L2)


@pytest.mark.parametrize("generation", GENERATIONS)
def test_the_inner_vm_gets_out_masqueraded(tower: World, generation: Generation) -> None:
    raise_inner(tower, generation)
    tower.serve("wsl", "tcp", 80)
    assert tower.ask("vm2", "tcp", "192.168.122.1", 80).startswith("wsl saw 192.168.122.191:")
    assert tower.ping("vm2", "192.168.122.1")


def test_forward_chain_is_the_notes(tower: World) -> None:
    raise_inner(tower, "reject-in-forward")
    listing = tower.run("vm1", "iptables-nft", "-S", "FORWARD").splitlines()
    assert listing == [
        "-P FORWARD ACCEPT",
        "-A FORWARD -d 192.168.124.0/24 -o virbr0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
        "-A FORWARD -s 192.168.124.0/24 -i virbr0 -j ACCEPT",
        "-A FORWARD -i virbr0 -o virbr0 -j ACCEPT",
        "-A FORWARD -o virbr0 -j REJECT --reject-with icmp-port-unreachable",
        "-A FORWARD -i virbr0 -j REJECT --reject-with icmp-port-unreachable",
    ]


def test_links_look_like_libvirts(tower: World) -> None:
    raise_inner(tower, "reject-in-forward")
    links = tower.run("vm1", "ip", "-br", "link").splitlines()
    macs = {line.split()[0].split("@")[0]: line.split()[2] for line in links}
    assert macs["virbr0"] == "52:54:00:e8:c6:c3"
    assert macs["virbr0-nic"] == "52:54:00:e8:c6:c3"
    assert macs["vnet0"] == "fe:54:00:5a:1a:8e"
    assert "enp1s0" in macs


def test_unplug_and_plug_again(tower: World) -> None:
    tower.serve("vm1", "tcp", 22)
    assert tower.ping("wsl", "192.168.122.191")
    nested.unplug(tower.names["wsl"], "vnet0")
    nested.unplug(tower.names["wsl"], "vnet0")
    assert not tower.ping("wsl", "192.168.122.191")
    nested.plug(tower.names["wsl"], tower.names["vm1"], VM1)
    assert tower.ask("wsl", "tcp", "192.168.122.191", 22).startswith("vm1 saw")
    with pytest.raises(FabricError, match="no bridge virbr9"):
        nested.plug(tower.names["wsl"], tower.names["vm2"], TapWire("virbr9", "vnet9", VM2.nic))
