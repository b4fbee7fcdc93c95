"""Windows' own firewall in NAT mode: what is published has a rule there, and doctor says when it has none."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from .asking import reboot, run
from .canonical.snapshot import differences, take
from .complaints.by_hand import cmdlet
from .servers import greeting, greets

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

    from .conftest import RunningLab

pytestmark = [pytest.mark.lab, pytest.mark.timeout(900)]

TOPOLOGY = "bare"
LAN, WSL = "172.24.21.109", "172.23.102.37"
GATEWAY = "172.23.96.1"
BACK_WITHIN_S = 90.0
_OF_WINDOWS = "of windows"
NETSH = ("netsh.exe", "interface", "portproxy")


def rules(lab: RunningLab) -> dict[str, str]:
    """The program that each rule of ours is for."""
    found = run(lab, "firewall", "list")[1]["host_rules"]
    return {one["name"]: one["service"] or one["program"] for one in found}


def finding(lab: RunningLab, code: str) -> dict[str, Any]:
    (found,) = [one for one in run(lab, "doctor", "--only", code)[1]["findings"] if one["code"] == code]
    return dict(found)


def wishing(lab: RunningLab) -> Path:
    """The lab's inventory, with the wish that WSL reaches Windows."""
    text = lab.inventory.read_text("utf-8")
    there = lab.inventory.with_name("wishing.toml")
    before, _, rest = text.partition("reach = [")
    there.write_text(before + 'reach = [["wsl", "windows"]' + rest[rest.index("]\n") :], "utf-8")
    return there


def serving(lab: RunningLab) -> AbstractContextManager[None]:
    """A program of Windows that greets whoever comes to port 3000."""
    return greeting(lab, "windows", "0.0.0.0", 3000, _OF_WINDOWS)


def told(lab: RunningLab, source: str, address: str) -> bool:
    return greets(lab, source, address, 3000, _OF_WINDOWS)


def test_a_forward_by_hand_is_stopped_and_one_of_ours_is_not(story_lab: RunningLab) -> None:
    words = ["listenport=8022", f"connectaddress={WSL}", "connectport=22"]
    assert story_lab.run("windows", [*NETSH, "add", "v4tov4", *words]).returncode == 0
    assert greets(story_lab, "windows", LAN, 8022)
    assert not greets(story_lab, "lan", LAN, 8022)
    assert story_lab.run("windows", [*NETSH, "delete", "v4tov4", "listenport=8022"]).returncode == 0
    before = take(story_lab)
    code, said = run(story_lab, "forward", "add", "--to", "wsl:22", "--listen", "2200@lan", "--yes")
    assert (code, said["result"], said["unverified"]) == (0, "committed", []), said
    assert greets(story_lab, "lan", LAN, 2200)
    assert rules(story_lab) == {"wslnet-publish-tcp-2200": "iphlpsvc"}
    assert finding(story_lab, "forward.firewall")["status"] == "ok"
    exposed = run(story_lab, "firewall", "audit")[1]["exposed"]
    assert [(one["port"], one["sources"]) for one in exposed] == [(2200, ["172.24.21.0/24"])]
    assert run(story_lab, "undo", "--yes")[0] == 0
    assert differences(before, take(story_lab)) == []


def test_a_rule_that_is_gone_is_named_and_put_back(story_lab: RunningLab) -> None:
    assert run(story_lab, "forward", "add", "--to", "wsl:22", "--listen", "2200@lan", "--yes")[0] == 0
    cmdlet(story_lab, "Remove-NetFirewallRule", Name="wslnet-publish-tcp-2200", Confirm=False)
    assert not greets(story_lab, "lan", LAN, 2200)
    found = finding(story_lab, "forward.firewall")
    assert (found["status"], "tcp/2200@lan" in found["title"]) == ("fail", True), found
    assert run(story_lab, "forward", "list")[1]["forwards"][0]["missing"] == [
        "windows: host-rule wslnet-publish-tcp-2200"
    ]
    code, said = run(story_lab, "doctor", "--fix", "--only", "forward.firewall", "--yes")
    assert (code, said["result"]) == (0, "committed"), said
    assert greets(story_lab, "lan", LAN, 2200)


def test_a_block_of_somebody_else_is_named_and_left(story_lab: RunningLab) -> None:
    block = {
        "Name": "corp",
        "DisplayName": "Corp",
        "Action": "Block",
        "Protocol": "TCP",
        "LocalPort": ["2200"],
    }
    cmdlet(story_lab, "New-NetFirewallRule", **block)
    assert not greets(story_lab, "lan", LAN, 2200)
    found = finding(story_lab, "forward.firewall")
    assert found["status"] == "fail"
    assert any("rule corp (Corp) blocks it" in line for line in found["evidence"]), found
    code, said = run(story_lab, "doctor", "--fix", "--only", "forward.firewall", "--yes")
    assert (code, said["result"]) == (0, "unchanged"), said
    cmdlet(story_lab, "Remove-NetFirewallRule", Name="corp", Confirm=False)
    assert greets(story_lab, "lan", LAN, 2200)


def test_what_is_not_published_any_more_leaves_no_rule(story_lab: RunningLab) -> None:
    code, said = run(story_lab, "forward", "remove", "2200", "--yes")
    assert (code, said["result"]) == (0, "committed"), said
    assert rules(story_lab) == {}
    assert run(story_lab, "undo", "--yes")[0] == 0
    assert rules(story_lab) == {"wslnet-publish-tcp-2200": "iphlpsvc"}
    assert greets(story_lab, "lan", LAN, 2200)


@pytest.mark.row("S1-06")
def test_wsl_comes_to_a_program_of_windows_by_a_rule_for_it_alone(story_lab: RunningLab) -> None:
    wished = wishing(story_lab)
    with serving(story_lab):
        assert not told(story_lab, "wsl", GATEWAY)
        code, said = run(wished, "doctor", "--fix", "--only", "wsl2win", "--yes")
        assert (code, said["result"]) == (0, "committed"), said
        assert told(story_lab, "wsl", GATEWAY)
        assert not told(story_lab, "lan", LAN)
    assert finding(story_lab, "wsl2win")["status"] == "ok"


@pytest.mark.row("S1-06", "S1-22")
def test_after_a_boot_with_another_address_of_wsl_both_are_as_before(story_lab: RunningLab) -> None:
    code, said = run(story_lab, "boot", "install", "--yes")
    assert (code, said["result"]) == (0, "committed"), said
    registry = story_lab.inventory.parent / "windows" / "registry.json"
    text = registry.read_text("utf-8")
    assert f'"data": "{WSL}"' in text
    registry.write_text(text.replace(f'"data": "{WSL}"', '"data": "172.23.99.9"'), "utf-8")
    reboot(story_lab, "windows")
    with serving(story_lab):
        deadline = time.monotonic() + BACK_WITHIN_S
        while not (greets(story_lab, "lan", LAN, 2200) and told(story_lab, "wsl", GATEWAY)):
            log = story_lab.inventory.parent / "log" / "tasks.log"
            assert time.monotonic() < deadline, log.read_text("utf-8")
            time.sleep(0.5)
        assert not told(story_lab, "lan", LAN)
    # The lab's WinRM is a program of its own; on a real PC it is Windows itself.
    code, said = run(story_lab, "firewall", "revoke", "tcp/3000", "tcp/5985", "--yes")
    assert (code, said["result"]) == (0, "committed"), said
    assert rules(story_lab) == {"wslnet-publish-tcp-2200": "iphlpsvc"}
    assert run(story_lab, "boot", "remove", "--yes")[0] == 0


@pytest.mark.row("S1-12")
def test_a_policy_that_takes_no_rules_of_this_pc_is_told_and_not_fought(story_lab: RunningLab) -> None:
    registry = story_lab.inventory.parent / "windows" / "registry.json"
    keys = json.loads(registry.read_text("utf-8"))
    key = r"HKEY_LOCAL_MACHINE\SOFTWARE\Policies\Microsoft\WindowsFirewall\PrivateProfile"
    keys[key] = {"AllowLocalPolicyMerge": {"kind": "DWord", "data": 0}}
    registry.write_text(json.dumps(keys), "utf-8")
    reboot(story_lab, "windows")
    assert run(story_lab, "doctor", "--wake", "--only", "wsl.running")[0] == 0
    assert greets(story_lab, "windows", "127.0.0.1", 2200)
    assert not greets(story_lab, "lan", LAN, 2200)
    found = finding(story_lab, "forward.firewall")
    assert any("a policy takes no rules of this PC" in line for line in found["evidence"]), found
    code, said = run(story_lab, "doctor", "--fix", "--only", "forward.firewall", "--yes")
    assert (code, said["result"]) == (0, "unchanged"), said
