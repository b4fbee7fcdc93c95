"""Windows' own firewall in NAT mode: what is published has a rule there, and doctor says when it has none."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from pypsrp.powershell import PowerShell, RunspacePool

from .asking import WSLNET, run
from .canonical.snapshot import differences, take
from .test_lab_windows import wsman

if TYPE_CHECKING:
    from .conftest import RunningLab

pytestmark = [pytest.mark.lab, pytest.mark.timeout(600)]

TOPOLOGY = "bare"
LAN, WSL = "172.24.21.109", "172.23.102.37"
NETSH = ("netsh.exe", "interface", "portproxy")
FETCH = (
    "import socket,sys\n"
    "s = socket.create_connection((sys.argv[1], int(sys.argv[2])), 2)\n"
    "s.settimeout(3)\n"
    "print(s.recv(64).decode())\n"
)


def greets(lab: RunningLab, source: str, address: str, port: int) -> bool:
    done = lab.outside(source, [sys.executable, "-c", FETCH, address, str(port)])
    return done.stdout.startswith("SSH-2.0")


def by_hand(lab: RunningLab, cmdlet: str, **parameters: object) -> list[Any]:
    """What an administrator does at a PowerShell of that PC."""
    with wsman(lab) as connection, RunspacePool(connection) as pool:
        shell = PowerShell(pool)
        shell.add_cmdlet(cmdlet).add_parameters(parameters)
        output = shell.invoke()
        assert not shell.had_errors, shell.streams.error
        return list(output)


def rules(lab: RunningLab) -> dict[str, str]:
    """The program that each rule of ours is for."""
    found = run(lab, "firewall", "list")[1]["host_rules"]
    return {one["name"]: one["service"] or one["program"] for one in found}


def finding(lab: RunningLab, code: str) -> dict[str, Any]:
    (found,) = [one for one in run(lab, "doctor", "--only", code)[1]["findings"] if one["code"] == code]
    return dict(found)


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
    assert run(story_lab, "undo", "--yes")[0] == 0
    assert differences(before, take(story_lab)) == []


def test_a_rule_that_is_gone_is_named_and_put_back(story_lab: RunningLab) -> None:
    assert run(story_lab, "forward", "add", "--to", "wsl:22", "--listen", "2200@lan", "--yes")[0] == 0
    by_hand(story_lab, "Remove-NetFirewallRule", Name="wslnet-publish-tcp-2200", Confirm=False)
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
    by_hand(story_lab, "New-NetFirewallRule", **block)
    assert not greets(story_lab, "lan", LAN, 2200)
    found = finding(story_lab, "forward.firewall")
    assert found["status"] == "fail"
    assert any("rule corp (Corp) blocks it" in line for line in found["evidence"]), found
    code, said = run(story_lab, "doctor", "--fix", "--only", "forward.firewall", "--yes")
    assert (code, said["result"]) == (0, "unchanged"), said
    by_hand(story_lab, "Remove-NetFirewallRule", Name="corp", Confirm=False)
    assert greets(story_lab, "lan", LAN, 2200)


def test_what_is_not_published_any_more_leaves_no_rule(story_lab: RunningLab) -> None:
    code, said = run(story_lab, "forward", "remove", "2200", "--yes")
    assert (code, said["result"]) == (0, "committed"), said
    assert rules(story_lab) == {}
    assert run(story_lab, "undo", "--yes")[0] == 0
    assert rules(story_lab) == {"wslnet-publish-tcp-2200": "iphlpsvc"}
    assert greets(story_lab, "lan", LAN, 2200)


@pytest.mark.row("S3-12")
def test_a_policy_that_takes_no_rules_of_this_pc_is_told_and_not_fought(story_lab: RunningLab) -> None:
    registry = story_lab.inventory.parent / "windows" / "registry.json"
    keys = json.loads(registry.read_text("utf-8"))
    key = r"HKEY_LOCAL_MACHINE\SOFTWARE\Policies\Microsoft\WindowsFirewall\PrivateProfile"
    keys[key] = {"AllowLocalPolicyMerge": {"kind": "DWord", "data": 0}}
    registry.write_text(json.dumps(keys), "utf-8")
    subprocess.run([WSLNET, "lab", "reboot", "--name", story_lab.name, "windows"], timeout=120, check=True)
    assert run(story_lab, "doctor", "--wake", "--only", "wsl.running")[0] == 0
    assert greets(story_lab, "windows", "127.0.0.1", 2200)
    assert not greets(story_lab, "lan", LAN, 2200)
    found = finding(story_lab, "forward.firewall")
    assert any("a policy takes no rules of this PC" in line for line in found["evidence"]), found
    code, said = run(story_lab, "doctor", "--fix", "--only", "forward.firewall", "--yes")
    assert (code, said["result"]) == (0, "unchanged"), said
