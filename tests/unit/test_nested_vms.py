"""Nested VMs as facts tell them, the edits of an inventory, and why a VM is not seen."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from wslnet.app.inventory_edit import with_value, without_machine
from wslnet.engine.unseen import first_unseen
from wslnet.errors import InputError
from wslnet.model.guest_facts import Guest, GuestAddress, GuestNic
from wslnet.model.linux_facts import Domain, LinuxFacts
from wslnet.model.linux_network import Link, Neighbour
from wslnet.model.machine import Inventory, Kind, Machine
from wslnet.model.nested_vms import nested_vms
from wslnet.model.snapshot import Snapshot, Unseen

MAC = "52:54:00:fc:38:e0"
INVENTORY = Inventory(
    Path("wslnet.toml"),
    Path("state"),
    {
        "windows": Machine("windows", Kind.WINDOWS),
        "wsl": Machine("wsl", Kind.WSL, "windows"),
        "web": Machine("web", Kind.VM, "wsl", "192.168.122.191"),
        "inner": Machine("inner", Kind.VM, "web", "192.168.124.91"),
    },
)
TEXT = """\
schema_version = 1  # mine

# the web server
[machines.web]
kind = "vm"
address = '192.168.122.191'  # by DHCP
secret = { env = "X" }

[machines.web.more]
a = 1

# the other
[machines.inner]
kind = "vm"
[wish]
reach = [
    ["wsl", "web"],  ["web", "wsl"],
    ["wsl", "inner"],
]
"""


def facts(*addresses: GuestAddress, agent: bool = True) -> LinuxFacts:
    return LinuxFacts(
        links=(
            Link(5, "vnet0", f"fe{MAC[2:]}", master="virbr0"),
            Link(6, "tap7", "fe:54:00:00:00:07", master="br0"),
        ),
        domains=(Domain("debian", "running"), Domain("old", "shut off")),
        guests=(Guest("debian", (GuestNic(MAC, "vnet0", source="default"),), addresses, agent),),
        neighbours=(
            Neighbour("virbr0", 4, "192.168.122.191", MAC, "STALE"),
            Neighbour("br0", 4, "10.9.0.7", "52:54:00:00:00:07", "REACHABLE"),
            Neighbour("br0", 4, "10.9.0.8", "52:54:00:00:00:07", "FAILED"),
        ),
    )


@pytest.mark.row("S0-54", "S0-56")
def test_a_tap_is_matched_to_the_card_whose_mac_differs_in_its_first_byte() -> None:
    lease = GuestAddress("192.168.122.191", 4, "lease", MAC, "vnet0", 24)
    known, off, other = nested_vms(INVENTORY, "wsl", facts(lease))
    assert (known.domain, known.name, known.moved) == ("debian", "web", False)
    assert known.addresses == (("192.168.122.191", ("lease", "neighbour")),)
    assert (known.ports[0].tap, known.ports[0].tap_mac) == ("vnet0", "fe:54:00:fc:38:e0")
    assert (off.domain, off.state, off.address) == ("old", "shut off", None)
    assert (other.domain, other.addresses) == (None, (("10.9.0.7", ("neighbour",)),))


@pytest.mark.row("S0-30")
def test_an_address_that_only_a_lease_remembers_is_not_the_vms() -> None:
    stale = GuestAddress("192.168.122.191", 4, "lease", MAC)
    new = [GuestAddress("192.168.122.77", 4, source, MAC) for source in ("lease", "agent")]
    inside = GuestAddress("192.168.124.1", 4, "agent", "52:54:00:aa:aa:aa")
    vm = nested_vms(INVENTORY, "wsl", facts(stale, *new, inside))[0]
    assert (vm.address, vm.name, vm.moved) == ("192.168.122.77", "web", True)
    assert "192.168.124.1" not in dict(vm.addresses), "its own bridge is not reached from here"


def test_a_value_is_set_where_it_stands_and_nothing_else_moves() -> None:
    new = with_value(TEXT, "web", "address", "192.168.122.77")
    assert new == TEXT.replace("'192.168.122.191'", '"192.168.122.77"')
    added = with_value(TEXT, "inner", "key", 'C:\\keys\\a "b"')
    assert tomllib.loads(added)["machines"]["inner"]["key"] == 'C:\\keys\\a "b"'
    assert added.replace(next(one for one in added.splitlines(keepends=True) if "keys" in one), "") == TEXT


def test_a_machine_goes_with_its_comment_and_its_pairs() -> None:
    left = without_machine(TEXT, "web")
    assert "web" not in left
    assert "# the other\n[machines.inner]" in left
    assert tomllib.loads(left)["wish"]["reach"] == [["wsl", "inner"]]
    assert left.startswith("schema_version = 1  # mine\n")
    assert without_machine(left, "inner").endswith("reach = [\n]\n")


@pytest.mark.parametrize(
    "text", ["machines = { web = { kind = 'vm' } }\n", "[machines]\nweb.kind = 'vm'\n", "[machines]\n"]
)
def test_what_cannot_be_edited_in_place_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="by hand"):
        without_machine(text, "web")


def test_a_vm_that_nobody_has_started_is_told_with_what_starts_it() -> None:
    lost = {"inner": Unseen("unreachable", "inner: no way"), "web": Unseen("unreachable", "web: time-out")}
    off = Snapshot(INVENTORY, {"wsl": LinuxFacts(domains=(Domain("web", "shut off"),))}, lost)
    error = first_unseen(off)
    assert error is not None
    assert (error.message, error.exit_code) == ("web: it is shut off in wsl", 20)
    assert error.hint is not None
    assert "virsh start web" in error.hint
    on = Snapshot(INVENTORY, {"wsl": LinuxFacts(domains=(Domain("web", "running"),))}, lost)
    error = first_unseen(on)
    assert error is not None
    assert (error.message, error.hint) == (
        "web: time-out",
        "wslnet doctor --machine web says what is in the way",
    )
    assert first_unseen(Snapshot(INVENTORY)) is None
