"""plan, apply, confirm: mirrored already, a route and an accept missing; the unconfirmed goes by itself."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from .asking import WSLNET, run

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.lab

T_S = 6
GRACE_S = 2.0
WITHIN = ("--yes", "--confirm-within", f"{T_S}s")
SETUP = ("setup", "--mirrored", *WITHIN)

_DROP = "INPUT -p tcp --dport 22 -j DROP"
_ADDRESS = "192.168.122.191/24 dev enp1s0"
# Kind of cut: faults of the lab, machines, what breaks the link in them, what mends it.
CUTS: dict[str, tuple[tuple[str, ...], tuple[str, ...], str, str]] = {
    "drop-22": ((), ("wsl", "vm1"), f"iptables -I {_DROP}", f"iptables -D {_DROP}"),
    "link-down": ((), ("vm1",), "ip link set enp1s0 down", "ip link set enp1s0 up"),
    "sshd-refused": (("sshd-refused:vm1", "sshd-refused:wsl"), (), "", ""),
    "address-removed": ((), ("vm1",), f"ip address del {_ADDRESS}", f"ip address add {_ADDRESS}"),
    "route-lost": ((), ("vm1",), "ip route del 192.168.122.0/24", "ip link set enp1s0 up"),
}

# Runs the program and kills it with SIGKILL once the N-th change was read back.
KILLED_AT = """
import os, signal, sys
from wslnet.engine.journal import Journal
write, count = Journal.write, [0]
def counted(self, kind, **body):
    write(self, kind, **body)
    count[0] += kind == "verified"
    if count[0] == int(sys.argv[1]):
        os.kill(os.getpid(), signal.SIGKILL)
Journal.write = counted
from wslnet.cli.main import main
main(sys.argv[2:])
"""


def made(lab: Any) -> tuple[bool, bool]:
    """Whether the route in wsl and the accept in vm1 are there, seen from outside the program."""
    routes = lab.outside("wsl", ["ip", "route"]).stdout
    rules = lab.outside("vm1", ["iptables", "-S", "FORWARD"]).stdout
    return "192.168.124.0/24 via" in routes, "wslnet:" in rules


def back_after(lab: Any, began: float) -> float:
    """Seconds until nothing of the run is there any more."""
    while made(lab) != (False, False):
        assert time.monotonic() - began < T_S + GRACE_S, made(lab)
        time.sleep(0.1)
    return time.monotonic() - began


@pytest.fixture(scope="module")
def mirrored(story_lab: Any) -> Any:
    assert run(story_lab, "setup", "--mirrored", "--yes")[1]["result"] == "committed"
    story_lab.outside("wsl", ["ip", "route", "del", "192.168.124.0/24"])
    story_lab.outside("vm1", ["iptables", "-D", "FORWARD", "1"])
    assert made(story_lab) == (False, False)
    return story_lab


def test_what_nobody_confirms_is_taken_back_with_no_controller_alive(mirrored: Any) -> None:
    began = time.monotonic()
    code, said = run(mirrored, *SETUP)
    returned = time.monotonic()
    assert (code, said["result"]) == (0, "pending"), said
    assert {one["outcome"] for one in said["changes"]} == {"done"}
    assert made(mirrored) == (True, True)
    assert back_after(mirrored, returned) > T_S - 1 - (returned - began)
    code, late = run(mirrored, "confirm", said["run"])
    assert (code, late["result"]) == (12, "rolled-back")
    assert "guard has fired" in late["reason"]
    assert late["left"] == []
    assert run(mirrored, "resume")[1]["result"] == "unchanged"


@pytest.mark.parametrize(
    "cut", [*list(CUTS)[:3], *(pytest.param(name, marks=pytest.mark.full) for name in list(CUTS)[3:])]
)
def test_a_cut_link_does_not_keep_the_old_state_away(mirrored: Any, cut: str) -> None:
    def outside(machine: str, words: str) -> None:
        done = mirrored.outside(machine, words.split())
        assert done.returncode == 0, done.stderr

    def inject(*faults: str) -> None:
        command = [WSLNET, "lab", "break", "--name", mirrored.name, "--clear", *faults]
        subprocess.run(command, check=True, capture_output=True, timeout=30)

    faults, machines, breaking, mending = CUTS[cut]
    shown = mirrored.outside("vm1", ["ip", "route", "show", "dev", "enp1s0"]).stdout.splitlines()
    _, said = run(mirrored, *SETUP)
    returned = time.monotonic()
    assert said["result"] == "pending", said
    try:
        inject(*faults)
        for machine in machines:
            outside(machine, breaking)
        back_after(mirrored, returned)
    finally:
        inject()
        for machine in machines:
            outside(machine, mending)
        for route in reversed(shown):  # those that went with the link, the default route last
            outside("vm1", f"ip route replace {route} dev enp1s0")
    code, settled = run(mirrored, "resume")
    assert (code, settled["result"], settled["left"]) == (12, "rolled-back", []), settled


@pytest.mark.parametrize("read_back", [1, 2])
def test_a_killed_controller_leaves_nothing_behind(mirrored: Any, read_back: int) -> None:
    arguments = ["--inventory", str(mirrored.inventory), *SETUP, "--json"]
    killed = subprocess.run(
        [sys.executable, "-c", KILLED_AT, str(read_back), *arguments],
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert killed.returncode == -9, killed.stderr
    began = time.monotonic()
    assert any(made(mirrored))
    back_after(mirrored, began)
    code, settled = run(mirrored, "resume")
    assert (code, settled["result"], settled["left"]) == (12, "rolled-back", []), settled


def test_a_saved_plan_is_applied_confirmed_by_its_id_alone_and_stays(mirrored: Any, tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    code, plan = run(mirrored, "plan", "--mirrored", "-o", str(file))
    assert (code, plan["id"]) == (10, json.loads(file.read_text(encoding="utf-8"))["id"])
    assert run(mirrored, "setup", "--mirrored", "--dry-run")[1]["id"] == plan["id"]
    code, said = run(mirrored, "apply", str(file), "--yes", "--confirm-within", "2m")
    assert (code, said["result"]) == (0, "pending"), said

    code, wrong = run(mirrored, "confirm", "20200101T000000Z-000000")
    assert (code, wrong["error"]["code"]) == (2, "bad-input")
    code, second = run(mirrored, *SETUP)
    assert (code, second["error"]["code"]) == (1, "plan-refused"), second
    assert said["run"] in second["error"]["message"]
    code, confirmed = run(mirrored, "confirm", said["run"])
    assert (code, confirmed["result"]) == (0, "committed"), confirmed
    assert made(mirrored) == (True, True)
    kept = ["sh", "-c", "find /run/wslnet /mnt/wsl/wslnet -type f 2>/dev/null || true"]
    assert [mirrored.run(name, kept).stdout for name in ("wsl", "vm1")] == ["", ""]

    code, again = run(mirrored, "confirm", said["run"])
    assert (code, again["error"]["code"]) == (1, "plan-refused")
    assert "committed" in again["error"]["message"]
    code, stale = run(mirrored, "apply", str(file), "--yes")
    assert (code, stale["error"]["code"]) == (1, "plan-refused")
    assert "stale" in stale["error"]["message"]
    assert "wsl" in stale["error"]["message"]
    assert run(mirrored, "plan", "--mirrored")[0] == 0
    assert run(mirrored, "undo", "--yes")[0] == 0
    assert made(mirrored) == (False, False)


def test_a_pending_run_is_cancelled_by_its_id_and_stands_in_the_way_of_others(mirrored: Any) -> None:
    _, said = run(mirrored, "setup", "--mirrored", "--yes", "--confirm-within", "1m")
    code, second = run(mirrored, "setup", "--mirrored", "--yes")
    assert (code, second["error"]["code"]) == (1, "plan-refused")
    assert said["run"] in second["error"]["message"]
    assert run(mirrored, "resume")[1]["result"] == "unchanged"
    code, cancelled = run(mirrored, "undo", said["run"], "--yes")
    assert (code, cancelled["left"]) == (0, []), cancelled
    assert made(mirrored) == (False, False)
    code, none = run(mirrored, "confirm")
    assert (code, none["error"]["code"]) == (1, "plan-refused")


def test_what_windows_could_not_take_back_alone_is_refused(mirrored: Any) -> None:
    code, said = run(mirrored, *SETUP, "--allow", "tcp/8080@lan")
    assert (code, said["error"]["code"], said["error"]["machine"]) == (15, "unsupported", "windows")
    assert made(mirrored) == (False, False)
