"""`config hosts`: WSL knows Windows by a name, over a start of WSL and one of Windows into another mode."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from .asking import reboot, run
from .canonical.snapshot import differences, take

if TYPE_CHECKING:
    from .conftest import RunningLab

pytestmark = [pytest.mark.lab, pytest.mark.timeout(600)]

TOPOLOGY = "bare"
GATEWAY = "172.23.96.1"
BACK_WITHIN_S = 90.0


def lines(lab: RunningLab) -> list[list[str]]:
    text = (lab.root("wsl") / "etc" / "hosts").read_text("utf-8")
    return [one.split()[:2] for one in text.splitlines() if "windows.local" in one]


@pytest.mark.row("S1-09")
def test_a_name_for_windows_outlives_a_start_of_wsl_and_goes_by_undo(story_lab: RunningLab) -> None:
    before = take(story_lab)
    code, said = run(story_lab, "config", "hosts", "--yes")
    assert (code, said["result"]) == (0, "committed"), said
    assert lines(story_lab) == [[GATEWAY, "windows.local"]]
    reached = story_lab.run("wsl", ["ping", "-n", "-c", "1", "-W", "2", "windows.local"])
    assert reached.returncode == 0, reached.stdout + reached.stderr
    code, said = run(story_lab, "config", "hosts", "--yes")
    assert (code, said["result"]) == (0, "unchanged"), said
    assert run(story_lab, "restart", "--yes")[0] == 0
    assert lines(story_lab) == [[GATEWAY, "windows.local"]]
    code, said = run(story_lab, "config", "hosts", "--remove", "--yes")
    assert (code, said["result"]) == (0, "committed"), said
    assert lines(story_lab) == []
    for _ in range(2):
        assert run(story_lab, "undo", "--yes")[0] == 0
    assert differences(before, take(story_lab)) == []
    code, said = run(story_lab, "config", "hosts", "no such name", "--yes")
    assert (code, said["error"]["code"]) == (2, "bad-input"), said


@pytest.mark.row("S1-09")
def test_the_boot_task_gives_it_the_address_of_now(story_lab: RunningLab) -> None:
    assert run(story_lab, "config", "hosts", "--yes")[0] == 0
    assert run(story_lab, "boot", "install", "--yes")[0] == 0
    hosts = story_lab.root("wsl") / "etc" / "hosts"
    text = hosts.read_text("utf-8")
    hosts.write_text(text.replace(GATEWAY, "172.30.96.1"), "utf-8")  # as a boot with another network left it
    reboot(story_lab, "windows")
    deadline = time.monotonic() + BACK_WITHIN_S
    while hosts.read_text("utf-8") != text:
        log = story_lab.inventory.parent / "log" / "tasks.log"
        assert time.monotonic() < deadline, log.read_text("utf-8")
        time.sleep(0.5)
