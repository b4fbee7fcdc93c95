"""WSL and a VM on the Default Switch, seen from outside the program: NAT mode, forwarding, boots."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from .asking import lab_calls, reboot, run
from .conftest import wslnet
from .servers import greets
from .write_rules import assert_alone_with_stop_and_key, writes

pytestmark = pytest.mark.lab

TOPOLOGY = "nat-default-switch"
HV1 = "172.29.16.10"
WSL = "172.23.102.37"
VM2 = "192.168.124.91"
LAN = "172.24.21.50"
SWITCHES = ["vEthernet (Default Switch)", "vEthernet (WSL (Hyper-V firewall))"]


def connected(lab: Any) -> list[bool]:
    """ICMP and SSH between wsl and hv1, both ways."""
    pairs = (("wsl", HV1), ("hv1", WSL))
    with ThreadPoolExecutor() as pool:
        pings = pool.map(lambda pair: lab.pings(*pair), pairs)
        greetings = pool.map(lambda pair: greets(lab, *pair), pairs)
        return [*pings, *greetings]


def flags(lab: Any) -> dict[str, bool]:
    """Forwarding as the packets of Windows meet it, by adapter."""
    return {one["name"]: one["forwarding"]["4"] for one in lab.control("adapters")}


def config(lab: Any) -> bytes:
    return bytes((lab.root("windows") / "Users" / "owner" / ".wslconfig").read_bytes())


def mode(lab: Any) -> str:
    return str(lab.run("wsl", ["wslinfo", "--networking-mode", "-n"]).stdout)


def variant(lab: Any, name: str, **changed: str) -> Path:
    """The lab's inventory with other texts in it."""
    text = lab.inventory.read_text(encoding="utf-8")
    for old, new in changed.items():
        assert old in text
        text = text.replace(old, new)
    path = Path(lab.inventory.parent / f"{name}.toml")
    path.write_text(text, encoding="utf-8")
    return path


def test_both_ways_are_cut_at_first_and_doctor_says_why(story_lab: Any) -> None:
    assert connected(story_lab) == [False] * 4
    assert story_lab.pings("hv1", LAN)
    assert story_lab.pings("wsl", LAN)
    code, said = run(story_lab, "doctor", "--only", "forwarding.adapters")
    (finding,) = said["findings"]
    assert (code, finding["status"]) == (11, "fail")
    assert finding["fix"]["command"] == "wslnet forwarding enable"


def test_setup_nat_connects_them(story_lab: Any) -> None:
    before = config(story_lab)
    code, said = run(story_lab, "setup", "--nat", "--yes")
    assert (code, said["result"]) == (0, "committed"), said
    assert not any(one["action"] == "restart" for one in said["changes"])
    assert config(story_lab) == before
    assert connected(story_lab) == [True] * 4
    assert not story_lab.pings("lan", WSL)
    assert sorted(name for name, on in flags(story_lab).items() if on) == SWITCHES


def test_the_same_again_changes_nothing(story_lab: Any) -> None:
    code, said = run(story_lab, "setup", "--nat", "--yes")
    assert (code, said["result"], said["changes"]) == (0, "unchanged", [])
    code, plan = run(story_lab, "setup", "--nat", "--dry-run")
    assert (code, plan["changes"]) == (0, [])


def test_what_belongs_to_mirrored_mode_is_refused(story_lab: Any) -> None:
    for option in ("--allow=tcp/8080@lan", "--host-loopback"):
        code, said = run(story_lab, "setup", "--nat", option, "--yes")
        assert (code, said["error"]["code"]) == (2, "bad-input")


def test_forwarding_disable_cuts(story_lab: Any) -> None:
    code, said = run(story_lab, "forwarding", "disable", "--yes")
    assert (code, said["result"]) == (0, "committed")
    assert connected(story_lab) == [False] * 4
    assert not any(flags(story_lab).values())


def test_without_an_administrators_rights_nothing_is_begun(story_lab: Any) -> None:
    password = str(story_lab.inventory.parent / "password")
    secret = story_lab.inventory.parent / "guest-password"
    secret.write_text("guest of the lab\n", encoding="ascii")
    guest = variant(story_lab, "guest", **{'user = "owner"': 'user = "guest"', password: str(secret)})
    # The lab's controller comes by loopback, which Windows keeps from others than administrators.
    done = wslnet("lab", "break", "--name", story_lab.name, "winrm-loopback-open")
    assert done.returncode == 0, done.stderr
    code, said = run(guest, "forwarding", "show")
    assert (code, [one["alias"] for one in said["interfaces"]]) == (0, SWITCHES)
    journals = sorted((story_lab.inventory.parent / "controller" / "journal").iterdir())
    code, said = run(guest, "forwarding", "enable", "--yes")
    assert (code, said["error"]["code"]) == (13, "needs-elevation")
    assert not any(flags(story_lab).values())
    assert sorted((story_lab.inventory.parent / "controller" / "journal").iterdir()) == journals


@pytest.mark.row("S3-13")
def test_forwarding_enable_connects_and_a_guest_cannot_take_it_back(story_lab: Any) -> None:
    code, said = run(story_lab, "forwarding", "enable")
    assert (code, said["error"]["code"]) == (2, "bad-input")
    code, said = run(story_lab, "forwarding", "enable", "--yes")
    assert (code, said["result"], len(said["changes"])) == (0, "committed", 2)
    assert connected(story_lab) == [True] * 4
    guest = story_lab.inventory.parent / "guest.toml"
    code, said = run(guest, "undo", "--yes")
    assert (code, said["error"]["code"]) == (13, "needs-elevation")
    assert connected(story_lab) == [True] * 4
    code, said = run(story_lab, "forwarding", "enable", "--yes")
    assert (code, said["result"]) == (0, "unchanged")


def test_only_what_is_meant_is_switched(story_lab: Any) -> None:
    code, plan = run(
        story_lab, "forwarding", "enable", "--match", "以太网", "--include-external", "--dry-run"
    )
    assert (code, [one["resource"] for one in plan["changes"]]) == (10, ["forwarding 以太网 (IPv4)"])
    for pattern in ("以太网", "no such adapter", "("):
        code, said = run(story_lab, "forwarding", "enable", "--match", pattern, "--yes")
        assert (code, said["error"]["code"]) == (2, "bad-input"), pattern
    assert not flags(story_lab)["以太网"]


def test_nat_becomes_mirrored(story_lab: Any) -> None:
    # A VM on the Default Switch is out of reach in mirrored mode (wsl-facts 6, row 32): another wish.
    wish = {'["wsl", "hv1"]': '["wsl", "vm2"]', '["hv1", "wsl"]': '["vm2", "wsl"]'}
    mirrored = variant(story_lab, "mirrored", **wish)
    code, said = run(mirrored, "setup", "--mirrored", "--yes")
    assert (code, said["result"]) == (0, "committed"), said
    assert mode(story_lab) == "mirrored"
    assert story_lab.pings("wsl", VM2)


def test_a_boot_of_windows_loses_the_flags_and_makes_the_adapters_anew(story_lab: Any) -> None:
    before = {one["name"]: (one["index"], one["guid"]) for one in story_lab.control("adapters")}
    reboot(story_lab, "windows")
    assert not any(flags(story_lab).values())
    after = {one["name"]: (one["index"], one["guid"]) for one in story_lab.control("adapters")}
    # WSL makes its own adapter only at its first start in NAT mode.
    assert "vEthernet (Default Switch)" in after
    assert "vEthernet (WSL (Hyper-V firewall))" not in after
    assert not set(before["vEthernet (Default Switch)"]) & set(after["vEthernet (Default Switch)"])
    assert after["以太网"] == before["以太网"]
    assert story_lab.pings("hv1", LAN)


def test_mirrored_becomes_nat_where_wsl_has_no_adapter_yet(story_lab: Any) -> None:
    reboot(story_lab, "wsl")
    assert mode(story_lab) == "mirrored"
    for host, vm in (("wsl", "vm1"), ("vm1", "vm2")):
        assert story_lab.run(host, ["virsh", "start", vm], timeout_s=30).returncode == 0
    before = config(story_lab)
    code, said = run(story_lab, "setup", "--nat", "--yes")
    assert (code, said["result"]) == (0, "committed"), said
    assert {one["outcome"] for one in said["changes"]} == {"done"}
    assert config(story_lab) == before.replace(b"networkingMode=mirrored", b"networkingMode=nat")
    assert mode(story_lab) == "nat"
    assert connected(story_lab) == [True] * 4
    assert story_lab.pings("wsl", VM2)
    code, said = run(story_lab, "doctor")
    assert (code, [one for one in said["findings"] if one["status"] in {"fail", "crash"}]) == (0, [])


def test_the_next_boot_cuts_them_again(story_lab: Any) -> None:
    reboot(story_lab, "windows")
    reboot(story_lab, "wsl")
    assert mode(story_lab) == "nat"
    assert connected(story_lab) == [False] * 4


def test_every_write_of_this_story_stood_alone(story_lab: Any) -> None:
    calls = lab_calls(story_lab)
    assert {"Set-NetIPInterface", "Set-Content", "Move-Item"} <= {
        one["name"] for call in writes(calls) for one in call["commands"]
    }
    assert_alone_with_stop_and_key(calls)
