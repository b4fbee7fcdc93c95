"""A start of Windows puts back what the mode of now needs, and the LAN reaches what it reached before.

What is published is one port; its means are another in each mode, and in NAT mode WSL's address is another
after a boot of Windows.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from .asking import reboot
from .asking import run as run_once
from .servers import greets

if TYPE_CHECKING:
    from .conftest import RunningLab

pytestmark = [pytest.mark.lab, pytest.mark.full, pytest.mark.timeout(900)]

TOPOLOGY = "bare"
LAN = "172.24.21.109"
FIRST, SECOND = "172.23.102.37", "172.23.99.9"
BACK_WITHIN_S = 120.0


def run(lab: RunningLab, *arguments: str) -> dict[str, Any]:
    """A run that changes something."""
    code, said = run_once(lab, *arguments, timeout_s=400)
    assert (code, said.get("result")) == (0, "committed"), said.get("reason", said)
    return said


def greeted(lab: RunningLab) -> bool:
    """Whether WSL's sshd answers a PC of the LAN at the published port."""
    return greets(lab, "lan", LAN, 2200)


def data(lab: RunningLab) -> bytes:
    """What the tasks read."""
    return (lab.root("windows") / "ProgramData" / "wslnet" / "boot.json").read_bytes()


def put_back(lab: RunningLab) -> str:
    """What they would put back, in words."""
    return "\n".join(run_once(lab, "boot", "status")[1]["puts_back"])


def told(lab: RunningLab) -> str:
    return (lab.inventory.parent / "log" / "tasks.log").read_text("utf-8")


def reboot_and_wait(lab: RunningLab) -> str:
    """Starts Windows anew and gives what the tasks said until the LAN reaches WSL again."""
    before = len(told(lab))
    reboot(lab, "windows")
    until_greeted(lab, before, "WSL half:")
    return told(lab)[before:]


def until_greeted(lab: RunningLab, before: int = 0, words: str = "") -> None:
    """Waits until the LAN reaches WSL, and the tasks have said these words."""
    deadline = time.monotonic() + BACK_WITHIN_S
    while words not in told(lab)[before:] or not greeted(lab):
        assert time.monotonic() < deadline, told(lab)[before:]
        time.sleep(0.5)


def test_the_tasks_are_installed_in_nat_mode(story_lab: RunningLab) -> None:
    run(story_lab, "forward", "add", "--to", "wsl:22", "--listen", "2200@lan", "--yes")
    run(story_lab, "boot", "install", "--yes")
    assert "mode nat" in put_back(story_lab)
    assert greeted(story_lab)


@pytest.mark.row("S3-15", "S3-02")
def test_after_setup_mirrored_and_a_reboot(story_lab: RunningLab) -> None:
    before = data(story_lab)
    said = run(story_lab, "setup", "--mirrored", "--allow", "tcp/8080@lan", "--yes")
    assert any("boot.json" in one["resource"] for one in said["changes"]), said
    assert "mode mirrored" in put_back(story_lab)
    assert "firewall rule for tcp/8080@lan" in put_back(story_lab)
    assert greeted(story_lab)
    words = reboot_and_wait(story_lab)
    assert "nothing is put back" not in words
    assert "waiting for" not in words
    code, plan = run_once(story_lab, "setup", "--mirrored", "--allow", "tcp/8080@lan", "--dry-run")
    assert (code, plan["changes"]) == (0, []), plan
    assert data(story_lab) != before


@pytest.mark.row("S1-22", "S3-02")
def test_after_setup_nat_and_a_reboot_with_another_address(story_lab: RunningLab) -> None:
    run(story_lab, "setup", "--nat", "--yes")
    assert "mode nat" in put_back(story_lab)
    assert "firewall rule" not in put_back(story_lab)
    registry = story_lab.inventory.parent / "windows" / "registry.json"
    text = registry.read_text("utf-8")
    assert f'"data": "{FIRST}"' in text
    registry.write_text(text.replace(f'"data": "{FIRST}"', f'"data": "{SECOND}"'), "utf-8")
    words = reboot_and_wait(story_lab)
    assert "nothing is put back" not in words
    rows = story_lab.run("windows", ["netsh.exe", "interface", "portproxy", "show", "v4tov4"]).stdout.split()
    assert (SECOND in rows, FIRST in rows) == (True, False)
    rules = (story_lab.inventory.parent / "windows" / "firewall.json").read_text("utf-8")
    assert "wslnet-allow-tcp-8080" not in rules


def test_undo_takes_the_data_back_with_the_mode(story_lab: RunningLab) -> None:
    run(story_lab, "undo", "--yes")
    assert "mode mirrored" in put_back(story_lab)
    run(story_lab, "undo", "--yes")
    assert "mode nat" in put_back(story_lab)
    # The rule that comes back leads to the address of before the reboot: the tasks make it follow.
    until_greeted(story_lab)


@pytest.mark.row("S3-02", "S3-15")
def test_a_mode_by_its_key_takes_the_data_with_it_too(story_lab: RunningLab) -> None:
    before = data(story_lab)
    run(story_lab, "config", "set", "wsl2.networkingMode", "mirrored", "--restart", "--yes")
    assert "mode mirrored" in put_back(story_lab)
    run(story_lab, "undo", "--yes")
    assert "mode nat" in put_back(story_lab)
    assert data(story_lab) == before
