"""Campaign 3 of issue 4 on Windows: its link is cut while a run waits, and no controller is alive.

The boot tasks are installed, so Windows has a guard; back means the canonical snapshot of all machines of
the tree within T + 60 s, with the cut (which is somebody else's here) still in force.
"""

from __future__ import annotations

import json
import subprocess
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from tests.lab.canonical.snapshot import Snapshot, differences, take

from .asking import WSLNET

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = [pytest.mark.lab, pytest.mark.full, pytest.mark.timeout(600)]

SETUP = ("setup", "--mirrored", "--allow", "tcp/8080@lan", "--yes", "--confirm-within", "10s")
BACK_S = 60.0
OWN = ("/wslnet/guard-", "\\wslnet\\guard-", "wslnet.lock", "run/wslnet")
DROP = "INPUT -p tcp --dport {port} -j DROP"
# Kind of cut: where, what breaks the link, what mends it.
CUTS = {
    "winrm-dropped": ("windows", f"-I {DROP.format(port=5985)}", f"-D {DROP.format(port=5985)}"),
    "ssh-dropped": ("wsl", f"-I {DROP.format(port=22)}", f"-D {DROP.format(port=22)}"),
}


def wslnet(lab: Any, *arguments: str) -> tuple[int, dict[str, Any]]:
    command = [WSLNET, "--inventory", str(lab.inventory), *arguments, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, json.loads(done.stdout)


@pytest.fixture(scope="module")
def guarded(story_lab: Any) -> Any:
    assert wslnet(story_lab, "setup", "--mirrored", "--yes")[1]["result"] == "committed"
    assert wslnet(story_lab, "boot", "install", "--yes")[1]["result"] == "committed"
    return story_lab


def unlike(old: Snapshot, lab: Any) -> list[str]:
    """What is not as it was; files of guards and locks are left out: they lie there until it is settled."""
    found = differences(old, take(lab))
    return [one for one in found if not any(word in one.partition("\n")[0].lower() for word in OWN)]


def iptables(lab: Any, machine: str, words: str) -> None:
    done = lab.outside(machine, ["iptables", *words.split()])
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("kind", CUTS)
def test_windows_takes_back_alone_what_nobody_can_reach(
    guarded: Any, campaign: Callable[..., None], kind: str
) -> None:
    machine, breaking, mending = CUTS[kind]
    iptables(guarded, machine, breaking)
    cut = take(guarded)
    iptables(guarded, machine, mending)
    code, said = wslnet(guarded, *SETUP)
    assert (code, said["result"]) == (0, "pending"), said
    deadline = datetime.fromisoformat(said["deadline"])
    iptables(guarded, machine, breaking)
    try:
        while left := unlike(cut, guarded):
            assert (datetime.now(UTC) - deadline).total_seconds() < BACK_S, left
            time.sleep(0.5)
        assert datetime.now(UTC) > deadline
    finally:
        iptables(guarded, machine, mending)
    code, settled = wslnet(guarded, "resume")
    assert (code, settled["result"], settled["left"]) == (12, "rolled-back", []), settled
    campaign(f"link-cut windows {kind}", 1, "back within T + 60 s")
