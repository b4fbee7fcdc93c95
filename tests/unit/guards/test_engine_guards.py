"""Guards as the controller sees them, and runs that wait for a confirmation, on machines in memory."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from wslnet.app.confirm import confirm
from wslnet.app.execute import execute
from wslnet.app.result import Result
from wslnet.app.undo import interrupted, resume, run_to_undo, undo
from wslnet.engine.run_log import read_runs
from wslnet.errors import InputError, NeedsElevation, PlanRefused

from .model import INNER, OUTER, Clock, GuardedFleet, prepared

if TYPE_CHECKING:
    from pathlib import Path

OLD, NEW = {OUTER: "0", INNER: "0"}, {OUTER: "1", INNER: "1"}


def say(_machine: str, _text: str) -> None:
    """Nobody listens."""


@pytest.fixture
def fleet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> GuardedFleet:
    clock = Clock()
    clock.patch(monkeypatch)
    return GuardedFleet.at(tmp_path, clock)


def pend(fleet: GuardedFleet, seconds: float = 60) -> str:
    outcome = execute(prepared(fleet), say, confirm_within=seconds)
    assert outcome.result is Result.PENDING, outcome.reason
    return str(outcome.run)


def verbs(fleet: GuardedFleet, prefix: str) -> list[tuple[str, str]]:
    return [(name, verb) for name, ops in fleet.requests for verb in ops if verb.startswith(prefix)]


def test_a_guard_is_armed_in_the_request_of_the_change_and_its_token_is_on_disk_before(
    fleet: GuardedFleet,
) -> None:
    fleet.refuse = "failed"
    outcome = execute(prepared(fleet), say)
    assert outcome.result is Result.ROLLED_BACK
    assert (INNER, ["lock.hold", "guard.arm", "sysctl.set"]) in fleet.requests
    assert fleet.values == OLD
    (journal,) = (fleet.inventory.state / "journal").glob("*.jsonl")
    kinds = [json.loads(line) for line in journal.read_text(encoding="utf-8").splitlines()]
    (guard,) = [one for one in kinds if one["kind"] == "guard"]
    assert (guard["machine"], len(guard["token"])) == (INNER, 32)


def test_an_ordinary_run_disarms_its_guards_at_its_end(fleet: GuardedFleet) -> None:
    outcome = execute(prepared(fleet), say)
    assert (outcome.result, fleet.values, fleet.held) == (Result.COMMITTED, NEW, {})
    first_disarmed = verbs(fleet, "guard.").index((INNER, "guard.disarm"))
    assert set(verbs(fleet, "guard.")[first_disarmed - 2 : first_disarmed]) == {
        (INNER, "guard.extend"),
        (OUTER, "guard.extend"),
    }


def test_the_outermost_machine_fires_last(fleet: GuardedFleet) -> None:
    pend(fleet)
    assert fleet.held[INNER].deadline < fleet.held[OUTER].deadline


def test_pending_confirmed_by_its_id_stays(fleet: GuardedFleet) -> None:
    run = pend(fleet)
    with pytest.raises(InputError, match="no run"):
        confirm(fleet, "20200101T000000Z-000000", say)
    with pytest.raises(PlanRefused, match=run):
        execute(prepared(fleet), say)
    assert confirm(fleet, run, say).result is Result.COMMITTED
    fleet.clock.sleep(1000)
    fleet.let_time_pass()
    assert fleet.values == NEW
    with pytest.raises(PlanRefused, match="committed"):
        confirm(fleet, run, say)
    with pytest.raises(PlanRefused, match="no run waits"):
        confirm(fleet, None, say)


def test_pending_and_not_confirmed_goes_and_a_late_confirm_says_so(fleet: GuardedFleet) -> None:
    run = pend(fleet)
    fleet.clock.sleep(61)
    fleet.let_time_pass()
    assert fleet.values == OLD
    late = confirm(fleet, run, say)
    assert (late.result, late.exit_code, late.left) == (Result.ROLLED_BACK, 12, ())
    assert "fired" in str(late.reason)
    assert interrupted(fleet.inventory.state) is None


def test_one_guard_that_fired_takes_the_other_machines_changes_with_it(fleet: GuardedFleet) -> None:
    pend(fleet)
    fleet.held[INNER].deadline = fleet.clock.now
    outcome = confirm(fleet, None, say)
    assert (outcome.result, fleet.values, fleet.held) == (Result.ROLLED_BACK, OLD, {})


def test_a_pending_run_is_cancelled_by_undo_of_its_id_only(fleet: GuardedFleet) -> None:
    run = pend(fleet)
    assert run_to_undo(fleet.inventory.state, None) is None
    assert interrupted(fleet.inventory.state) is None
    undo(fleet, run_to_undo(fleet.inventory.state, run), say)
    assert (fleet.values, fleet.held) == (OLD, {})


def test_a_run_that_cut_its_own_link_waits_for_the_guard_and_nothing_is_left(fleet: GuardedFleet) -> None:
    fleet.cut_on_change.add(INNER)
    todo = prepared(fleet)
    began = fleet.clock.now
    sleep = fleet.clock.sleep

    def mending(seconds: float) -> None:
        sleep(seconds)
        fleet.let_time_pass()
        if fleet.held[INNER].fired:
            fleet.cut.clear()

    fleet.clock.sleep = mending  # type: ignore[method-assign]
    outcome = execute(todo, say)
    assert (outcome.result, outcome.left, fleet.values, fleet.held) == (Result.ROLLED_BACK, (), OLD, {})
    assert fleet.clock.now - began < 60


@pytest.mark.parametrize(("code", "error"), [("exists", PlanRefused), ("not-permitted", NeedsElevation)])
def test_without_a_guard_nothing_is_changed(fleet: GuardedFleet, code: str, error: type[Exception]) -> None:
    fleet.refuse = code
    with pytest.raises(error):
        execute(prepared(fleet), say)
    assert fleet.values == OLD
    assert interrupted(fleet.inventory.state) is None


@pytest.mark.parametrize("waited", [0, 100])
def test_resume_of_a_run_that_died_before_it_waited_never_commits_it(
    fleet: GuardedFleet, waited: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> None:
        raise SystemExit

    monkeypatch.setattr("wslnet.app.execute._wait_for_confirmation", die)
    with pytest.raises(SystemExit):
        execute(prepared(fleet), say, confirm_within=60)
    assert fleet.values == NEW
    fleet.clock.sleep(waited)
    outcome = resume(fleet, interrupted(fleet.inventory.state), say)
    assert (outcome.result, fleet.values, fleet.held) == (Result.ROLLED_BACK, OLD, {})
    assert [str(log.ended) for log in read_runs(fleet.inventory.state)] == ["rolled-back"]
