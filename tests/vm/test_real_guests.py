"""`vm list`, `enroll`, `reach`, `pin`, `matrix` on real guests: Debian by libvirt's network, busybox in it.

One story in the order of the file. Everything is emulated, so the figures are minutes; each wait has its own
deadline, and the whole has one too.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from . import host
from .image import INNER_MAC, INNER_NETWORK, QEMU_CONF, build, network_xml

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.vm, pytest.mark.timeout(3600)]

WSLNET = str(Path(sys.executable).with_name("wslnet"))
INNER_UP_S = 1500.0
COMMAND_S = 900.0


def wslnet(*arguments: str, timeout_s: float = COMMAND_S) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [WSLNET, *arguments],
        capture_output=True, text=True, timeout=timeout_s, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip


class Guests:
    """A lab whose `wsl` runs libvirt's own vm1, and vm1 its own vm2."""

    def __init__(self, name: str, inventory: Path) -> None:
        self.name = name
        self.inventory = inventory

    def run(self, argv: list[str], timeout_s: float) -> str:
        """Runs a program in `wsl`."""
        done = wslnet("lab", "exec", "--name", self.name, "wsl", "--", *argv, timeout_s=timeout_s)
        done.check_returncode()
        return done.stdout

    def ask(self, *arguments: str) -> tuple[int, dict[str, Any]]:
        done = wslnet("--inventory", str(self.inventory), *arguments, "--json")
        assert "Traceback" not in done.stderr, done.stderr
        return done.returncode, json.loads(done.stdout)

    def inside(self, *argv: str) -> str:
        """Runs a program in vm1, over its guest agent; gives what it printed."""
        return host.run_in_guest(self.run, list(argv))

    def pings(self, address: str) -> bool:
        done = wslnet("lab", "exec", "--name", self.name, "wsl", "--", "ping", "-c1", "-W5", address)
        return done.returncode == 0


@pytest.fixture(scope="module")
def guests() -> Iterator[Guests]:
    if os.geteuid() != 0:
        pytest.skip("needs root")
    image = build(Path(os.environ.get("WSLNET_VM_CACHE", "/var/tmp/wslnet-vm")))
    name = f"vm{os.getpid()}"
    try:
        up = wslnet("lab", "up", "--name", name, "--topology", "bare", "--json")
        assert up.returncode == 0, up.stdout + up.stderr
        found = Guests(name, Path(json.loads(up.stdout)["inventory"]))
        root = json.loads(wslnet("lab", "status", "--name", name, "--json").stdout)["machines"]["wsl"]["root"]
        host.install(Path(root), image, QEMU_CONF, network_xml(host.NETWORK))
        host.start(found.run)
        host.wait_for_agent(found.run)
        yield found
    finally:
        down = wslnet("lab", "down", "--name", name)
    assert down.returncode == 0, down.stderr


def rules(guests: Guests) -> str:
    """Rules, routes and keys of vm1, without counters."""
    saved = guests.inside("/sbin/iptables-save")
    # The bridge has a carrier from the moment when vm2 is started.
    routes = guests.inside("/sbin/ip", "route").replace(" linkdown", "")
    kept = [line.partition(" [")[0] for line in saved.splitlines() if not line.startswith("#")]
    return "\n".join([*kept, routes, guests.inside("/bin/ls", "-a", "/root/.ssh")])


@pytest.mark.row("S0-56", "S0-54")
def test_list_finds_the_guest_by_lease_agent_and_card(guests: Guests) -> None:
    code, said = guests.ask("vm", "list")
    assert code == 0, said
    (vm1,) = said["vms"]
    assert (vm1["domain"], vm1["machine"], vm1["guest_agent"]) == ("vm1", None, True)
    assert vm1["address"].startswith(f"{host.NETWORK}.")
    (nic,) = vm1["nics"]
    assert (nic["mac"], nic["tap_mac"], nic["bridge"]) == (host.VM1_MAC, f"fe{host.VM1_MAC[2:]}", "virbr0")
    assert {"lease", "agent"} <= {one for address in vm1["addresses"] for one in address["sources"]}


def test_enroll_enters_it_and_undo_takes_the_key_out(guests: Guests) -> None:
    text, before = guests.inventory.read_text(), rules(guests)
    code, said = guests.ask("vm", "enroll", "vm1", "--yes")
    assert (code, said["result"]) == (0, "committed"), said
    assert said["enrolled"]["note"] is None
    code, said = guests.ask("doctor", "--only", "machine.reachable", "--machine", "vm1")
    assert code == 0, said
    code, said = guests.ask("undo", "--yes")
    assert code == 0, said
    assert rules(guests) == before
    guests.inventory.write_text(text)
    code, said = guests.ask("vm", "enroll", "vm1", "--yes")
    assert (code, said["result"]) == (0, "committed"), said


@pytest.mark.row("S0-29", "S0-42")
def test_the_guest_in_the_guest_is_found_when_it_is_up(guests: Guests) -> None:
    deadline = time.monotonic() + INNER_UP_S
    while time.monotonic() < deadline:
        code, said = guests.ask("vm", "list", "--machine", "vm1")
        assert code == 0, said
        vm2 = next((vm for vm in said["vms"] if vm["domain"] == "vm2"), None)
        if vm2 is not None and vm2["address"] is not None:
            break
        time.sleep(10)
    assert vm2 is not None
    assert vm2["address"].startswith(f"{INNER_NETWORK}."), vm2
    assert vm2["nics"][0]["mac"] == INNER_MAC
    # It has neither an SSH server nor a guest agent: the inventory learns of it by hand.
    with guests.inventory.open("a") as inventory:
        inventory.write(
            f'\n[machines.vm2]\nkind = "vm"\nparent = "vm1"\naddress = "{vm2["address"]}"\nuser = "root"\n'
        )


@pytest.mark.row("S0-24", "S0-37", "S0-43")
def test_reach_connects_wsl_and_the_inner_guest_and_undo_cuts_it(guests: Guests) -> None:
    vm2 = guests.inventory.read_text().partition("[machines.vm2]")[2].split('address = "')[1].split('"')[0]
    before = rules(guests)
    assert not guests.pings(vm2)
    code, said = guests.ask("vm", "reach", "vm2", "--yes")
    assert code == 0, said
    assert guests.pings(vm2)
    pairs = {(one["from"], one["to"], one["proto"]): one["measured"] for one in said["verify"]}
    assert pairs["wsl", "vm2", "icmp"] is True, said["verify"]
    assert [one["to"] for one in said["unverified"] if one["from"] != "vm2"] == []

    code, said = guests.ask("matrix")
    measured = {(one["from"], one["to"], one["proto"]): one["ok"] for one in said["pairs"]}
    assert measured["wsl", "vm1", "icmp"] is True
    assert measured["vm1", "vm2", "icmp"] is True
    assert measured["wsl", "vm2", "icmp"] is True

    code, said = guests.ask("undo", "--yes")
    assert code == 0, said
    assert rules(guests) == before
    assert not guests.pings(vm2)


@pytest.mark.row("S0-30")
def test_pin_keeps_the_lease_in_the_real_libvirt(guests: Guests) -> None:
    before = guests.run(["virsh", "net-dumpxml", "default"], 60)
    code, said = guests.ask("vm", "pin", "vm1", "--yes")
    assert (code, said["result"]) == (0, "committed"), said
    assert f"<host mac='{host.VM1_MAC}'" in guests.run(["virsh", "net-dumpxml", "default", "--inactive"], 60)
    assert guests.ask("vm", "pin", "vm1", "--yes")[1]["result"] == "unchanged"
    code, said = guests.ask("undo", "--yes")
    assert code == 0, said
    assert "<host mac=" not in guests.run(["virsh", "net-dumpxml", "default", "--inactive"], 60)
    # libvirt forgets the count of connections of a network that it has updated.
    assert guests.run(["virsh", "net-dumpxml", "default"], 60) == before.replace(" connections='1'", "")


@pytest.mark.row("S0-32")
def test_a_guest_without_the_standard_library_is_named_with_the_package(guests: Guests) -> None:
    json_module = guests.inside("/bin/sh", "-c", "echo /usr/lib/python3.*/json").strip()
    guests.inside("/bin/mv", json_module, "/root/json")
    try:
        code, said = guests.ask("vm", "reach", "vm2", "--yes")
    finally:
        guests.inside("/bin/mv", "/root/json", json_module)
    assert code == 15, said
    assert "apt install python3" in said["error"]["message"]
