"""kill -9 of agent and guard at every op of wsl and vm1: `resume` gives the old state or the new one.

The plan without a restart: mirrored already; a route, forwarding and an accept are missing.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from .killed_agent import write_plan
from .stage import RUN_TIMEOUT_S, Stage, raise_mirrored

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = [pytest.mark.lab, pytest.mark.timeout(1200)]

SPLITS = True
PARTS = 8
SETUP = ("setup", "--mirrored", "--yes")
MACHINES = ("wsl", "vm1")
T_S = 2
GUARD_FIRES_WITHIN_S = T_S + 3.0
_KILLED_AGENT = str(Path(__file__).with_name("killed_agent.py"))


@pytest.fixture(scope="module")
def stage(story_lab: Any) -> Stage:
    return raise_mirrored(story_lab, SETUP)


def run_deadly(stage: Stage, *words: str) -> None:
    """Runs the program with deadly agents; however it ends, it ends in order."""
    command = [sys.executable, _KILLED_AGENT, "--inventory", str(stage.lab.inventory), *words, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=RUN_TIMEOUT_S, check=False)
    assert "Traceback" not in done.stderr, done.stderr
    assert done.returncode >= 0
    assert json.loads(done.stdout)


@pytest.fixture(scope="module")
def ops(stage: Stage) -> dict[tuple[str, str], list[str]]:
    """The ops that each machine is asked for in a `setup` and an `undo` in which nothing dies."""
    found = {}
    for verb in ("setup", "undo"):
        plans = {machine: write_plan(stage.lab, machine, "agent", "", 0) for machine in MACHINES}
        run_deadly(stage, *stage.words(verb))
        for machine, plan in plans.items():
            found[verb, machine] = json.loads(plan.read_text(encoding="ascii"))["verbs"]
            plan.unlink()
    return found


Point = tuple[str, str, str, str, int]


def points(ops: dict[tuple[str, str], list[str]]) -> list[Point]:
    return [
        (who, verb, machine, where, number)
        for (verb, machine), done in ops.items()
        for who in ("agent", "guard")
        for number in range(1, len(done) + 1)
        for where in ("before", "after")
        if who == "agent" or verb == "setup"  # an undo of a committed run has no guard
    ]


def kill_at(stage: Stage, point: Point, done: list[str]) -> str:
    who, verb, machine, where, number = point
    stage.bring(verb)
    plan = write_plan(stage.lab, machine, who, where, number)
    run_deadly(stage, *stage.words(verb))
    reached = json.loads(plan.read_text(encoding="ascii"))["count"]
    plan.unlink()
    what = f"kill of {who} {where} op {number} ({done[number - 1]}) of {machine} in {verb}"
    assert reached >= number, f"no {what}: only {reached} ops"
    return stage.judge(what)


def test_killed_at_some_ops(
    stage: Stage, ops: dict[tuple[str, str], list[str]], campaign: Callable[..., None]
) -> None:
    """The first change of each machine, and the op before its guard goes."""
    for who, machine, verb, where in (
        ("agent", "vm1", "rule.insert", "after"),
        ("agent", "wsl", "route.add", "before"),
        ("guard", "vm1", "rule.insert", "after"),
        ("guard", "wsl", "guard.disarm", "before"),
    ):
        done = ops["setup", machine]
        point = (who, "setup", machine, where, done.index(verb) + 1)
        campaign(f"kill-{who}-some", 1, kill_at(stage, point, done))


@pytest.mark.full
@pytest.mark.parametrize("part", range(PARTS))
def test_killed_at_every_op(
    stage: Stage, ops: dict[tuple[str, str], list[str]], campaign: Callable[..., None], part: int
) -> None:
    for point in points(ops)[part::PARTS]:
        who, verb, machine, _, _ = point
        end = kill_at(stage, point, ops[verb, machine])
        campaign(f"kill-{who}-{verb}-{machine}")
        campaign(f"kill-{who}-{verb}-{machine}", 1, end)


@pytest.mark.full
@pytest.mark.parametrize("settle", ["resume", "confirm"])
@pytest.mark.parametrize("where", ["before", "after"])
@pytest.mark.parametrize("at", ["vm1:1", "vm1:2", "wsl:1"])
def test_a_guard_killed_while_it_takes_back(
    stage: Stage, campaign: Callable[..., None], settle: str, where: str, at: str
) -> None:
    machine, _, op = at.partition(":")
    number = int(op)
    plan = write_plan(stage.lab, machine, "firing", where, number)
    run_deadly(stage, *SETUP, "--confirm-within", f"{T_S}s")
    until = time.monotonic() + GUARD_FIRES_WITHIN_S
    while json.loads(plan.read_text(encoding="ascii") or '{"count": 0}')["count"] < number:
        assert time.monotonic() < until, f"the guard of {machine} does not fire"
        time.sleep(0.1)
    time.sleep(1.0)  # the other machine's guard fires half a second later
    plan.unlink()
    what = f"kill of the guard of {machine} {where} its op {number}"
    if settle == "confirm":
        assert stage.run("confirm")["result"] == "rolled-back"
    assert stage.judge(what) == "old"
    campaign("kill-firing-guard")
