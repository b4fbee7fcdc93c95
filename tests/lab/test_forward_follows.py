"""What is published in NAT mode follows WSL's address: over a start of Windows, one of WSL, another mode."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from .asking import reboot, run
from .servers import answer, answering, greets

if TYPE_CHECKING:
    from .conftest import RunningLab

pytestmark = [pytest.mark.lab, pytest.mark.timeout(900)]

TOPOLOGY = "bare"
LAN, VPN = "172.24.21.109", "10.61.2.254"
FIRST, SECOND, THIRD = "172.23.102.37", "172.23.99.9", "172.23.98.8"
BACK_WITHIN_S = 90.0


def reboot_elsewhere(lab: RunningLab, old: str, new: str) -> None:
    """Windows starts anew, and WSL gets another address at its next start in NAT mode."""
    registry = lab.inventory.parent / "windows" / "registry.json"
    text = registry.read_text("utf-8")
    assert old in text
    # Rules of portproxy stay as they are: only WSL's own memory of its address is another.
    registry.write_text(text.replace(f'"data": "{old}"', f'"data": "{new}"'), "utf-8")
    reboot(lab, "windows")


def rules(lab: RunningLab) -> set[tuple[str, str]]:
    """Listener and target of what portproxy has for the published port."""
    done = lab.run("windows", ["netsh.exe", "interface", "portproxy", "show", "v4tov4"])
    rows = [line.split() for line in done.stdout.splitlines()]
    return {(row[0], row[2]) for row in rows if row[1:2] == ["2200"]}


@pytest.mark.row("S1-10")
def test_windows_reaches_wsl_by_its_nat_address(story_lab: RunningLab) -> None:
    code, said = run(story_lab, "probe", "windows", "wsl:8081")
    found = [(one["proto"], one["address"], one["ok"]) for one in said["pairs"]]
    assert (code, found) == (0, [("icmp", FIRST, True), ("tcp", FIRST, True)]), said
    listening = story_lab.outside("wsl", ["ss", "-Hltn"]).stdout
    assert ":8081" not in listening


@pytest.mark.row("S1-28")
def test_the_nat_network_is_pinned_and_let_go(story_lab: RunningLab) -> None:
    code, said = run(story_lab, "config", "nat-pin", "172.30.96.0/20", "--yes")
    assert (code, said["result"]) == (0, "committed"), said
    code, said = run(story_lab, "doctor", "--only", "nat.subnet")
    (finding,) = [one for one in said["findings"] if one["code"] == "nat.subnet"]
    assert (finding["status"], "not 172.30.96.0/20" in finding["title"]) == ("warn", True), finding
    assert run(story_lab, "undo", "--yes")[0] == 0
    code, said = run(story_lab, "config", "nat-pin", "--yes")
    assert (code, said["result"]) == (0, "unchanged"), said


@pytest.mark.row("S1-12", "S1-22")
def test_the_lan_reaches_it_and_a_vpn_does_not(story_lab: RunningLab) -> None:
    code, said = run(story_lab, "forward", "add", "--to", "wsl:22", "--listen", "2200@lan", "--yes")
    assert (code, said["result"], said["unverified"]) == (0, "committed", []), said
    assert greets(story_lab, "lan", LAN, 2200)
    assert greets(story_lab, "windows", "127.0.0.1", 2200)
    assert not greets(story_lab, "windows", VPN, 2200)
    assert rules(story_lab) == {(LAN, FIRST), ("127.0.0.1", FIRST)}
    code, said = run(story_lab, "forward", "add", "--to", "wsl:22", "--listen", "2200@lan", "--yes")
    assert (code, said["result"]) == (0, "unchanged"), said
    with answering(story_lab, "wsl", 9999, "from wsl"):
        code, said = run(story_lab, "forward", "add", "--to", "wsl:9999", "--listen", "udp/5400@lan", "--yes")
        assert (code, said["result"]) == (0, "committed"), said
        assert answer(story_lab, "lan", LAN, 5400) == "from wsl"


@pytest.mark.row("S1-22")
def test_after_a_reboot_with_another_address(story_lab: RunningLab) -> None:
    code, said = run(story_lab, "boot", "install", "--yes")
    assert (code, said["result"]) == (0, "committed"), said
    _, said = run(story_lab, "boot", "status")
    assert "tcp/2200@lan published, to wsl:22" in said["puts_back"]
    reboot_elsewhere(story_lab, FIRST, SECOND)
    deadline = time.monotonic() + BACK_WITHIN_S
    while not greets(story_lab, "lan", LAN, 2200):
        log = story_lab.inventory.parent / "log" / "tasks.log"
        assert time.monotonic() < deadline, log.read_text("utf-8")
        time.sleep(0.5)
    assert rules(story_lab) == {(LAN, SECOND), ("127.0.0.1", SECOND)}
    with answering(story_lab, "wsl", 9999, "from wsl"):
        while answer(story_lab, "lan", LAN, 5400) != "from wsl":
            assert time.monotonic() < deadline
            time.sleep(0.5)


@pytest.mark.row("S1-22")
def test_after_a_restart_with_another_address(story_lab: RunningLab) -> None:
    code, said = run(story_lab, "boot", "remove", "--yes")
    assert (code, said["result"]) == (0, "committed"), said
    reboot_elsewhere(story_lab, SECOND, THIRD)
    code, said = run(story_lab, "doctor", "--wake", "--only", "portproxy.target")
    (finding,) = [one for one in said["findings"] if one["code"] == "portproxy.target"]
    assert f"WSL has the address {THIRD} now" in " ".join(finding["evidence"])
    assert rules(story_lab) == {(LAN, SECOND), ("127.0.0.1", SECOND)}
    code, said = run(story_lab, "restart", "--yes")
    assert (code, said["result"]) == (0, "committed"), said
    assert rules(story_lab) == {(LAN, THIRD), ("127.0.0.1", THIRD)}
    assert greets(story_lab, "lan", LAN, 2200)


@pytest.mark.full
@pytest.mark.row("S1-21", "S1-22")
def test_over_another_mode_and_back(story_lab: RunningLab) -> None:
    for mode in ("--mirrored", "--nat"):
        code, said = run(story_lab, "setup", mode, "--yes")
        assert (code, said["result"]) == (0, "committed"), said
        assert greets(story_lab, "lan", LAN, 2200)
    assert rules(story_lab) == {(LAN, THIRD), ("127.0.0.1", THIRD)}
