"""Nested VMs on their way through the inventory: found, forgotten, enrolled over the guest agent, pinned."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from .canonical.snapshot import differences, take
from .conftest import RunningLab, wslnet

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.lab, pytest.mark.timeout(1200)]

VM1_MAC = "52:54:00:fc:38:e0"


def run(lab: RunningLab, *arguments: str) -> tuple[int, dict[str, Any]]:
    done = wslnet("--inventory", str(lab.inventory), *arguments, "--json", timeout_s=400)
    assert "Traceback" not in done.stderr
    return done.returncode, json.loads(done.stdout)


def listed(lab: RunningLab) -> dict[str, dict[str, Any]]:
    code, said = run(lab, "vm", "list")
    assert code == 0, said
    return {f"{vm['host']}/{vm['domain']}": vm for vm in said["vms"]}


def kept_leases(lab: RunningLab, machine: str) -> list[str]:
    dumps = [["virsh", "net-dumpxml", "default", *more] for more in ([], ["--inactive"])]
    return [",".join(re.findall("<host .*/>", lab.run(machine, dump).stdout)) for dump in dumps]


def route_to_vm2(lab: RunningLab) -> str:
    return " ".join(lab.outside("wsl", ["ip", "route", "show", "192.168.124.0/24"]).stdout.split()[:3])


def authorized(lab: RunningLab, machine: str) -> Path:
    return lab.root(machine) / "root/.ssh/authorized_keys"


@pytest.mark.row("S0-54", "S0-56")
def test_list_finds_vms_and_matches_taps_to_cards(story_lab: RunningLab) -> None:
    vms = listed(story_lab)
    assert list(vms) == ["wsl/vm1", "vm1/vm2"]
    vm1 = vms["wsl/vm1"]
    assert (vm1["machine"], vm1["state"], vm1["guest_agent"]) == ("vm1", "running", True)
    assert vm1["nics"] == [
        {"mac": VM1_MAC, "tap": "vnet0", "tap_mac": "fe:54:00:fc:38:e0", "bridge": "virbr0"}
    ]
    (only,) = vm1["addresses"]
    assert only["address"] == "192.168.122.191"
    assert {"lease", "agent"} <= set(only["sources"])
    assert vms["vm1/vm2"]["address"] == "192.168.124.91"


def test_forget_and_enroll_are_each_others_reverse(story_lab: RunningLab) -> None:
    lab, pins = story_lab, story_lab.inventory.parent / "controller/known_hosts"
    text, pinned, keys = lab.inventory.read_text(), pins.read_text(), authorized(lab, "vm2").read_text()
    code, said = run(lab, "vm", "forget", "vm1", "--yes")
    assert code == 2, said
    assert "vm2 can only be entered through vm1" in said["error"]["message"]

    code, said = run(lab, "vm", "forget", "vm2", "--yes")
    assert (code, said["forgotten"]) == (0, "vm2"), said
    assert "vm2" not in lab.inventory.read_text()
    assert "vm2" not in pins.read_text()
    # The key that entered it is the lab's own: its line was not made by wslnet.
    assert authorized(lab, "vm2").read_text() == keys
    assert listed(lab)["vm1/vm2"]["machine"] is None

    authorized(lab, "vm2").unlink()
    code, said = run(lab, "vm", "enroll", "vm1/vm2", "--dry-run")
    assert (code, len(said["changes"])) == (10, 1), said
    code, said = run(lab, "vm", "enroll", "vm2", "--yes")
    assert (code, said["result"], said["enrolled"]["written"]) == (0, "committed", True), said
    assert sorted(pins.read_text().splitlines()) == sorted(pinned.splitlines())
    (line,) = authorized(lab, "vm2").read_text().splitlines()
    assert line.endswith(" wslnet")
    assert (authorized(lab, "vm2").stat().st_mode & 0o777, said["foreign"]) == (0o600, [])
    entry = lab.inventory.read_text().partition("[machines.vm2]")[2]
    assert 'parent = "vm1"' in entry
    assert 'address = "192.168.124.91"' in entry
    code, said = run(lab, "doctor", "--only", "machine.reachable", "--machine", "vm2")
    assert (code, said["summary"]["fail"]) == (0, 0), said

    code, said = run(lab, "undo", "--yes")
    assert code == 0, said
    assert not authorized(lab, "vm2").exists()
    authorized(lab, "vm2").write_text(keys)
    lab.inventory.write_text(text)


def test_without_a_guest_agent_nothing_is_trusted(story_lab: RunningLab) -> None:
    lab, text = story_lab, story_lab.inventory.read_text()
    assert wslnet("lab", "break", "--name", lab.name, "no-guest-agent:vm2").returncode == 0
    try:
        assert listed(lab)["vm1/vm2"]["guest_agent"] is False
        code, said = run(lab, "vm", "enroll", "vm1/vm2", "--yes")
    finally:
        lab.control("break", names=[])
    assert code == 1, said
    assert "QEMU guest agent is not connected" in said["error"]["message"]
    # vm1 knows neither key nor host key of vm2, and is not told to believe what it is shown.
    assert "ssh of root to root@192.168.124.91: " in said["error"]["message"]
    assert "qemu-guest-agent" in said["error"]["hint"]
    assert lab.inventory.read_text() == text


def let_vm1_enter_vm2(lab: RunningLab) -> str:
    """As one who works on vm1 has it: a key of its own for vm2, vm2's host key known; gives its line."""
    key = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "root@vm1", "-f", "/root/.ssh/id_ed25519"]
    assert lab.run("vm1", key).returncode == 0
    home = lab.root("vm1") / "root/.ssh"
    shown = (lab.root("vm2") / "etc/ssh/ssh_host_ed25519_key.pub").read_text()
    (home / "known_hosts").write_text(f"192.168.124.91 {shown}")
    return (home / "id_ed25519.pub").read_text()


# Three logins on a console take their time: on a loaded machine more than a guard's 30 s.
@pytest.mark.parametrize("way", ["ssh", pytest.param("console", marks=pytest.mark.full)])
def test_without_a_guest_agent_the_host_enters_it_as_it_can(
    story_lab: RunningLab, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    lab, text, pins = story_lab, story_lab.inventory.read_text(), story_lab.inventory.parent / "controller"
    keys, mine = authorized(lab, "vm2").read_text(), ""
    by = {"ssh": [], "console": ["--via", "console", "--secret-env", "VM2_PASSWORD"]}[way]
    if way == "ssh":
        mine = let_vm1_enter_vm2(lab)
    else:
        (lab.root("vm2") / "etc/lab-console").write_text("root:cherry pie\n")
        monkeypatch.setenv("VM2_PASSWORD", "apple pie")
    assert run(lab, "vm", "forget", "vm2", "--yes")[0] == 0
    authorized(lab, "vm2").write_text(mine)
    assert wslnet("lab", "break", "--name", lab.name, "no-guest-agent:vm2").returncode == 0
    try:
        if way == "console":
            code, said = run(lab, "vm", "enroll", "vm2", *by, "--yes")
            assert (code, said["error"]["message"]) == (
                1, "vm1/vm2 cannot be entered: the console refuses root",
            )  # fmt: skip
            monkeypatch.setenv("VM2_PASSWORD", "cherry pie")
        code, said = run(lab, "vm", "enroll", "vm2", *by, "--yes")
        assert (code, said["result"], said["enrolled"]["via"]) == (0, "committed", way), said
        ours = authorized(lab, "vm2").read_text().removeprefix(mine)
        assert ours.endswith(" wslnet\n")
        assert "vm2 ssh-ed25519" in (pins / "known_hosts").read_text()
        assert run(lab, "doctor", "--only", "machine.reachable", "--machine", "vm2")[0] == 0
        written = [one.read_text() for one in pins.rglob("*") if one.is_file()]
        assert not any("cherry pie" in one for one in [*written, lab.inventory.read_text(), json.dumps(said)])

        code, said = run(lab, "undo", "--yes")
        assert code == 0, said
        assert authorized(lab, "vm2").read_text() == mine
    finally:
        lab.control("break", names=[])
    authorized(lab, "vm2").write_text(keys)
    lab.inventory.write_text(text)


@pytest.mark.row("S0-30")
def test_pin_keeps_the_lease_and_undo_lets_it_go(story_lab: RunningLab) -> None:
    lab, before = story_lab, take(story_lab)
    assert run(lab, "vm", "pin", "--dry-run")[0] == 10
    code, said = run(lab, "vm", "pin", "--yes")
    assert (code, said["result"], said["foreign"]) == (0, "committed", []), said
    entry = f"<host mac='{VM1_MAC}' ip='192.168.122.191'/>"
    assert kept_leases(lab, "wsl") == [entry, entry]
    assert run(lab, "vm", "pin", "vm1", "--yes")[1]["result"] == "unchanged"
    code, said = run(lab, "undo", "--yes")
    assert code == 0, said
    assert kept_leases(lab, "wsl") == kept_leases(lab, "vm1") == ["", ""]
    assert differences(before, take(lab)) == []


@pytest.mark.row("S0-24")
def test_the_next_hop_follows_a_lease_that_has_changed(story_lab: RunningLab) -> None:
    lab = story_lab
    assert run(lab, "vm", "reach", "vm2", "--yes")[0] == 0
    assert route_to_vm2(lab) == "192.168.124.0/24 via 192.168.122.191"
    for command in (
        "addr flush dev enp1s0",
        "addr add 192.168.122.77/24 dev enp1s0",
        "route add default via 192.168.122.1",
    ):
        assert lab.outside("vm1", ["ip", *command.split()]).returncode == 0
    assert listed(lab)["wsl/vm1"]["moved"] is True
    # Until it forgets the neighbour, the old next hop still leads there.
    assert lab.outside("wsl", ["ip", "neigh", "flush", "dev", "virbr0"]).returncode == 0
    assert not lab.pings("wsl", "192.168.124.91")

    code, said = run(lab, "vm", "reach", "vm2", "--yes")
    assert (code, said["result"]) == (0, "committed"), said
    assert route_to_vm2(lab) == "192.168.124.0/24 via 192.168.122.77"
    assert lab.pings("wsl", "192.168.124.91")
