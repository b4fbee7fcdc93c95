"""What `vm reach` stands for: which machines, which pairs, which resources, in which chains."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from wslnet.app.vm_reach import reach_of
from wslnet.errors import InputError, PlanRefused
from wslnet.model.linux_facts import LinuxFacts
from wslnet.model.linux_network import Address, Firewall
from wslnet.model.machine import Inventory, Kind, Machine, Wish
from wslnet.model.snapshot import Snapshot
from wslnet.netfilter.rules import Place
from wslnet.profiles.nested import nested_resources
from wslnet.profiles.nested_rejects import without_rejects
from wslnet.resources.absent_rule import AbsentRule
from wslnet.resources.forward_accept import ForwardAccept

INVENTORY = Inventory(
    Path("wslnet.toml"),
    Path("state"),
    {
        one.name: one
        for one in (
            Machine("windows", Kind.WINDOWS, address="127.0.0.1"),
            Machine("lan", Kind.PEER, address="172.24.21.50"),
            Machine("wsl", Kind.WSL, "windows"),
            Machine("vm1", Kind.VM, "wsl", "192.168.122.191"),
            Machine("vm2", Kind.VM, "vm1", "192.168.124.91"),
            Machine("vm3", Kind.VM, "wsl", "192.168.122.192"),
            Machine("hv1", Kind.VM, "windows", "172.29.16.10"),
        )
    },
)
OLD_LIBVIRT = (
    "*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD -d 192.168.124.0/24 -o virbr0 -m conntrack --ctstate "
    "RELATED,ESTABLISHED -j ACCEPT\n-A FORWARD -s 192.168.124.0/24 -i virbr0 -j ACCEPT\n"
    "-A FORWARD -o virbr0 -j REJECT --reject-with icmp-port-unreachable\n"
    "-A FORWARD -i virbr0 -j REJECT --reject-with icmp-port-unreachable\nCOMMIT\n"
)
LOCKED = (
    "table inet firewalld {\n\tflags owner,persist\n\n\tchain filter_FORWARD {\n"
    "\t\ttype filter hook forward priority filter + 10; policy accept;\n\t\treject\n\t}\n}\n"
)


def snapshot(firewall: Firewall) -> Snapshot:
    wsl = (Address("virbr0", 4, "192.168.122.1", 24),)
    vm1 = (Address("enp1s0", 4, "192.168.122.191", 24), Address("virbr0", 4, "192.168.124.1", 24))
    facts = {
        "wsl": LinuxFacts(addresses=wsl, routes=()),
        "vm1": LinuxFacts(addresses=vm1, routes=(), firewall=firewall),
    }
    return Snapshot(INVENTORY, facts)


def test_each_vm_and_every_linux_machine_above_it_both_ways() -> None:
    wished = reach_of(INVENTORY, ["vm2"])
    assert wished.wish.reach == (("vm1", "vm2"), ("vm2", "vm1"), ("wsl", "vm2"), ("vm2", "wsl"))
    assert "lan" not in wished.machines
    everybody = {pair for pair in reach_of(INVENTORY, []).wish.reach if pair[0] == "wsl"}
    assert everybody == {("wsl", "vm1"), ("wsl", "vm2"), ("wsl", "vm3")}


@pytest.mark.parametrize("name", ["wsl", "nobody", "hv1", "lan"])
def test_what_is_no_vm_below_a_linux_machine_is_refused(name: str) -> None:
    with pytest.raises(InputError, match=f"'{name}' is no VM below a Linux machine.*vm1, vm2, vm3"):
        reach_of(INVENTORY, [name])


def test_only_the_named_ones_and_one_accept_for_each_chain_that_filters() -> None:
    both = Firewall(
        {
            "iptables-nft": {"4": OLD_LIBVIRT},
            "iptables-legacy": {"4": "*filter\n:FORWARD DROP [0:0]\nCOMMIT\n"},
        },
        "iptables-nft",
        LOCKED.replace("\tflags owner,persist\n", ""),
    )
    assert nested_resources(snapshot(both), {"vm3"}) == ()
    accepts = [one for one in nested_resources(snapshot(both), {"vm2"}) if isinstance(one, ForwardAccept)]
    assert {str(one.place) for one in accepts} == {
        "filter FORWARD",
        "iptables-legacy filter FORWARD",
        "inet firewalld filter_FORWARD",
    }
    assert len({one.name for one in accepts}) == 6
    facts = snapshot(both).linux("vm1")
    assert facts is not None
    verbs = {str(one.place): [change.do.verb for change in one.diff(facts)] for one in accepts}
    assert verbs["inet firewalld filter_FORWARD"] == ["nft.insert"]
    assert verbs["iptables-legacy filter FORWARD"] == ["rule.insert"]


def test_a_table_that_its_owner_locks_is_refused_with_what_to_do() -> None:
    locked = snapshot(Firewall({}, None, LOCKED))
    (accept, *_) = (one for one in nested_resources(locked, {"vm2"}) if isinstance(one, ForwardAccept))
    facts = locked.linux("vm1")
    assert facts is not None
    with pytest.raises(PlanRefused, match=r"filter_FORWARD rule 1: REJECT .*nobody else") as caught:
        accept.diff(facts)
    assert "policy" in (caught.value.hint or "")


@pytest.mark.row("S0-36")
def test_deleting_takes_both_rejects_of_the_bridge_and_no_accept_is_left() -> None:
    seen = snapshot(Firewall({"iptables-nft": {"4": OLD_LIBVIRT}}, "iptables-nft", ""))
    found = without_rejects(seen, nested_resources(seen, {"vm2"}))
    rejects = [one for one in found if isinstance(one, AbsentRule)]
    assert [one.text for one in rejects] == [
        "-o virbr0 -j REJECT --reject-with icmp-port-unreachable",
        "-i virbr0 -j REJECT --reject-with icmp-port-unreachable",
    ]
    assert {one.place for one in rejects} == {Place("iptables-nft", "ip", "filter", "FORWARD")}
    facts = seen.linux("vm1")
    assert facts is not None
    left = [one for one in found if isinstance(one, ForwardAccept) and one.diff(facts)]
    assert left == []


def test_what_no_deletion_can_mend_stays_an_accept() -> None:
    seen = snapshot(
        Firewall({"iptables-nft": {"4": "*filter\n:FORWARD DROP [0:0]\nCOMMIT\n"}}, "iptables-nft", "")
    )
    found = without_rejects(seen, nested_resources(seen, {"vm2"}))
    assert not any(isinstance(one, AbsentRule) for one in found)


def test_vms_of_different_branches_are_connected_where_the_wish_names_them() -> None:
    other = Machine("vm4", Kind.VM, "wsl", "10.1.0.7")
    inner = Machine("vm5", Kind.VM, "vm4", "10.2.0.9")
    machines = {**INVENTORY.machines, "vm4": other, "vm5": inner}
    wished = replace(INVENTORY, machines=machines, wish=Wish(reach=(("vm2", "vm5"), ("vm2", "vm3"))))
    facts = {
        "wsl": LinuxFacts(
            addresses=(Address("virbr0", 4, "192.168.122.1", 24), Address("virbr1", 4, "10.1.0.1", 24)),
            routes=(),
            firewall=Firewall({"iptables": {"4": OLD_LIBVIRT}}, "iptables"),
        ),
        "vm1": snapshot(Firewall()).facts["vm1"],
        "vm4": LinuxFacts(
            addresses=(Address("enp1s0", 4, "10.1.0.7", 24), Address("virbr0", 4, "10.2.0.1", 24)), routes=()
        ),
    }
    found = nested_resources(Snapshot(reach_of(wished, ["vm2"]), facts), {"vm2"})
    accepts = {
        (one.machine, one.src, one.dst, one.iif, one.oif) for one in found if isinstance(one, ForwardAccept)
    }
    # Of vm2 itself, and as what libvirt's masquerade in vm1 makes of it.
    assert ("wsl", "192.168.124.0/24", "10.2.0.0/24", "virbr0", "virbr1") in accepts
    assert ("wsl", "192.168.122.0/24", "10.2.0.0/24", "virbr0", "virbr1") in accepts
    assert ("wsl", "10.2.0.0/24", "192.168.124.0/24", "virbr1", "virbr0") in accepts
    assert ("vm1", "192.168.124.0/24", "10.2.0.0/24", "virbr0", "enp1s0") in accepts
    assert ("vm4", "10.2.0.0/24", "192.168.124.0/24", "virbr0", "enp1s0") in accepts
    # vm3 is a neighbour of vm1 on the same bridge: nothing of its own is needed.
    assert not any(iif == oif for _, _, _, iif, oif in accepts)
