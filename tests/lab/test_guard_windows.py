"""A run that changes Windows and restarts WSL waits for its confirmation, and goes by itself without one.

One lab, one story: refused without the boot tasks, not confirmed, killed on its way, rebooted, its guard
killed, at last confirmed. What stands is read from the lab's own files, never through the program.
"""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from .asking import WSLNET, reboot

pytestmark = [pytest.mark.lab, pytest.mark.timeout(400)]

VM2 = "192.168.124.91"
RULE = "wslnet-allow-tcp-8080"
GRACE_S, OTHERS_WITHIN_S = 60.0, 60.0
SETUP = ("setup", "--mirrored", "--allow", "tcp/8080@lan", "--yes", "--confirm-within")
# What the program says when it is killed: the step that this names has begun.
STEPS = [
    "add hyperv-rule",
    "shutting down vm2",
    "wsl --shutdown",
    "starting WSL",
    "starting vm1",
    "starting vm2",
    "add forward",
    "add route",
]
IN_SHORT = "starting WSL"
KILL = (
    "for each in /proc/[0-9]*; do "
    'if tr "\\0" " " < $each/cmdline | grep -q "boot run --hal[f]"; then kill -9 ${each#/proc/}; fi; done'
)


def run(lab: Any, *arguments: str) -> tuple[int, dict[str, Any]]:
    """Runs the program; when a boot task is just putting WSL in order, again after that."""
    command = [WSLNET, "--inventory", str(lab.inventory), *arguments, "--json"]
    until = time.monotonic() + OTHERS_WITHIN_S
    while True:
        done = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)
        assert "Traceback" not in done.stderr, done.stderr
        said = json.loads(done.stdout)
        if "is at work" not in said.get("error", {}).get("message", "") or time.monotonic() > until:
            return done.returncode, said
        time.sleep(1.0)


def wslconfig(lab: Any) -> bytes:
    return (Path(lab.root("windows")) / "Users" / "owner" / ".wslconfig").read_bytes()


def state(lab: Any) -> dict[str, Any]:
    """All that a run here changes, and that the VMs run."""
    firewall = (lab.inventory.parent / "windows" / "firewall.json").read_text("utf-8")
    machines = lab.status()["machines"]
    wsl = lab.control("wsl_state")
    return {
        "mode": wsl["mode"] if wsl["running"] else None,
        "wslconfig": wslconfig(lab),
        "rule": RULE in firewall,
        "machines": {name: machine["state"] for name, machine in machines.items()},
        "wsl to vm2": lab.pings("wsl", VM2),
    }


def told(lab: Any) -> str:
    log = lab.inventory.parent / "log" / "tasks.log"
    return str(log.read_text("utf-8")) if log.exists() else ""


def guard_files(lab: Any) -> set[str]:
    """Names of what guards and orders have left."""
    drive = Path(lab.root("windows"))
    folders = (drive / "ProgramData" / "wslnet", drive / "Users" / "owner" / "AppData" / "Local" / "wslnet")
    return {file.name for folder in folders for file in folder.glob("guard-*.json")}


def back(lab: Any, old: dict[str, Any], within_s: float) -> float:
    """Seconds until the old state is there, by itself."""
    began = time.monotonic()
    while (now := state(lab)) != old:
        assert time.monotonic() - began < within_s, (now, told(lab))
        time.sleep(0.5)
    return time.monotonic() - began


def settled(lab: Any) -> None:
    """`resume` finds what the guard did, and nothing is left to be done."""
    code, said = run(lab, "resume")
    assert (code, said["result"], said["left"]) == (12, "rolled-back", []), said
    assert run(lab, "resume")[1]["result"] == "unchanged"


def pend(lab: Any, within: str) -> str:
    code, said = run(lab, *SETUP, within)
    assert (code, said["result"]) == (0, "pending"), said
    now = state(lab)
    assert (now["mode"], now["rule"], now["wsl to vm2"]) == ("mirrored", True, True)
    return str(said["run"])


@pytest.fixture(scope="module")
def old(story_lab: Any) -> dict[str, Any]:
    found = state(story_lab)
    assert (found["mode"], found["rule"], found["wsl to vm2"]) == ("nat", False, False)
    return found


def test_without_the_boot_tasks_nothing_is_begun(story_lab: Any, old: dict[str, Any]) -> None:
    code, said = run(story_lab, *SETUP, "5s")
    assert (code, said["error"]["code"], said["error"]["machine"]) == (15, "unsupported", "windows")
    assert "wslnet boot install" in said["error"]["hint"]
    assert state(story_lab) == old
    code, said = run(story_lab, "boot", "install", "--yes")
    assert (code, said["result"]) == (0, "committed"), said


def test_what_nobody_confirms_is_taken_back_with_no_controller_alive(
    story_lab: Any, old: dict[str, Any]
) -> None:
    by_hand = "blackhole 10.99.0.0/24"
    assert story_lab.outside("wsl", ["ip", "route", "add", *by_hand.split()]).returncode == 0
    pend(story_lab, "5s")
    back(story_lab, old, 5.0 + GRACE_S)
    until = time.monotonic() + GRACE_S
    while by_hand not in story_lab.outside("wsl", ["ip", "route"]).stdout:
        assert time.monotonic() < until, told(story_lab)
        time.sleep(0.5)
    settled(story_lab)
    assert state(story_lab) == old
    assert story_lab.outside("wsl", ["ip", "route", "del", *by_hand.split()]).returncode == 0


@pytest.mark.parametrize(
    "step", [pytest.param(step, marks=[] if step == IN_SHORT else pytest.mark.full) for step in STEPS]
)
def test_a_controller_killed_behind_the_first_change_of_windows(
    step: str, story_lab: Any, old: dict[str, Any]
) -> None:
    command = [WSLNET, "--inventory", str(story_lab.inventory), *SETUP, "5s"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as program:
        assert program.stderr is not None
        assert any(step in line for line in program.stderr), step
        program.kill()
    assert wslconfig(story_lab) != old["wslconfig"]
    back(story_lab, old, 5.0 + GRACE_S)
    settled(story_lab)
    assert state(story_lab) == old


@pytest.mark.parametrize(
    "how", [(), pytest.param(("--fast-startup",), marks=pytest.mark.full)], ids=["reboot", "fast-startup"]
)
def test_a_reboot_of_windows_inside_the_window_gives_the_old_state_without_a_timer(
    how: tuple[str, ...], story_lab: Any, old: dict[str, Any]
) -> None:
    run_id = pend(story_lab, "10m")
    reboot(story_lab, "windows", *how)
    back(story_lab, old, GRACE_S)
    code, said = run(story_lab, "confirm", run_id)
    assert (code, said["result"], said["left"]) == (12, "rolled-back", []), said
    assert state(story_lab) == old


@pytest.mark.full
def test_a_pending_run_is_cancelled_by_its_id(story_lab: Any, old: dict[str, Any]) -> None:
    code, said = run(story_lab, "undo", pend(story_lab, "10m"), "--yes")
    assert (code, said["left"]) == (0, []), said
    assert state(story_lab) == old
    assert guard_files(story_lab) == set()


@pytest.mark.full
def test_guards_that_were_killed_count_as_not_confirmed(story_lab: Any, old: dict[str, Any]) -> None:
    run_id = pend(story_lab, "10m")
    assert story_lab.run("windows", ["sh", "-c", KILL]).returncode == 0
    code, said = run(story_lab, "confirm", run_id)
    assert (code, said["result"], said["left"]) == (12, "rolled-back", []), said
    assert state(story_lab) == old


def test_confirmed_it_stays_and_a_second_run_is_refused_until_then(
    story_lab: Any, old: dict[str, Any]
) -> None:
    run_id = pend(story_lab, "2m")
    code, second = run(story_lab, "setup", "--nat", "--yes")
    assert (code, second["error"]["code"]) == (1, "plan-refused")
    assert run_id in second["error"]["message"]
    code, said = run(story_lab, "confirm", run_id)
    assert (code, said["result"]) == (0, "committed"), said
    now = state(story_lab)
    assert (now["mode"], now["rule"], now["wsl to vm2"]) == ("mirrored", True, True)
    assert guard_files(story_lab) == set()
    assert now["machines"] == old["machines"]
