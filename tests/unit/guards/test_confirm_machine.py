"""Confirm, cancel, expire, second runs, cut links, dead controllers in any order: old state or new."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from wslnet.app.confirm import confirm
from wslnet.app.execute import execute
from wslnet.app.result import Result
from wslnet.app.undo import interrupted, resume, run_to_undo, undo
from wslnet.engine.run_log import End, RunLog, read_runs
from wslnet.errors import InputError, PlanRefused

from .model import INNER, OUTER, Clock, GuardedFleet, prepared

OLD, NEW = {OUTER: "0", INNER: "0"}, {OUTER: "1", INNER: "1"}
ENDED = {End.COMMITTED, End.ROLLED_BACK, End.UNDONE}


class Died(BaseException):
    """The controller is gone."""


def say(_machine: str, _text: str) -> None:
    """Nobody listens."""


class Confirmations(RuleBasedStateMachine):
    """One inventory, one run after the other, everything that can happen to one that waits."""

    steps = 0

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="wslnet-confirm-"))
        self.patch = pytest.MonkeyPatch()
        clock = Clock()
        clock.patch(self.patch)
        self.fleet = GuardedFleet.at(self.folder, clock)

    def teardown(self) -> None:
        self.patch.undo()
        shutil.rmtree(self.folder)

    def runs(self) -> tuple[RunLog, ...]:
        return read_runs(self.fleet.inventory.state)

    def waiting(self) -> RunLog | None:
        return next((log for log in self.runs() if log.ended is End.PENDING), None)

    @precondition(lambda self: not self.fleet.cut)
    @rule(seconds=st.integers(2, 120), dies=st.booleans())
    def begin(self, seconds: int, dies: bool) -> None:  # noqa: FBT001 - hypothesis passes by name
        waiting, open_end = self.waiting(), interrupted(self.fleet.inventory.state)
        if open_end is not None and waiting is None:
            return  # a user is told to resume first
        todo = prepared(self.fleet)
        if waiting is not None:
            with pytest.raises(PlanRefused, match=waiting.run):
                execute(todo, say, confirm_within=seconds)
            return
        with pytest.MonkeyPatch.context() as patch:
            if dies:
                patch.setattr("wslnet.app.execute._wait_for_confirmation", _die)
            try:
                outcome = execute(todo, say, confirm_within=seconds)
            except Died:
                return
        assert outcome.result is (Result.PENDING if todo.plan.changes else Result.UNCHANGED)

    @rule(seconds=st.integers(0, 90))
    def wait(self, seconds: int) -> None:
        self.fleet.clock.sleep(seconds)
        self.fleet.let_time_pass()

    @rule(machine=st.sampled_from([OUTER, INNER]))
    def cut(self, machine: str) -> None:
        self.fleet.cut.add(machine)

    @rule()
    def mend(self) -> None:
        self.fleet.cut.clear()

    @rule(named=st.booleans())
    def confirm_it(self, named: bool) -> None:  # noqa: FBT001 - as above
        waiting = self.waiting()
        if waiting is None:
            with pytest.raises(PlanRefused):
                confirm(self.fleet, None, say)
            return
        in_time = not any(guard.fired for guard in self.fleet.held.values())
        reachable = not self.fleet.cut
        outcome = confirm(self.fleet, waiting.run if named else None, say)
        if in_time and reachable:
            assert outcome.result is Result.COMMITTED
            assert (self.fleet.values, self.fleet.held) == (NEW, {})
        else:
            assert outcome.result is not Result.COMMITTED

    @rule()
    def confirm_wrong_or_stale(self) -> None:
        before = dict(self.fleet.values)
        with pytest.raises(InputError):
            confirm(self.fleet, "20200101T000000Z-000000", say)
        for log in self.runs():
            if log.ended is not End.PENDING:
                with pytest.raises(PlanRefused):
                    confirm(self.fleet, log.run, say)
        assert self.fleet.values == before

    @precondition(lambda self: not self.fleet.cut)
    @rule()
    def cancel(self) -> None:
        waiting = self.waiting()
        if waiting is not None:
            undo(self.fleet, run_to_undo(self.fleet.inventory.state, waiting.run), say)
            assert (self.fleet.values, self.fleet.held) == (OLD, {})

    @precondition(lambda self: not self.fleet.cut)
    @rule()
    def undo_newest(self) -> None:
        if self.waiting() is None and interrupted(self.fleet.inventory.state) is None:
            undo(self.fleet, run_to_undo(self.fleet.inventory.state, None), say)
            assert self.fleet.values == OLD

    @rule()
    def settle(self) -> None:
        log = interrupted(self.fleet.inventory.state)
        outcome = resume(self.fleet, log, say)
        if log is not None and not self.fleet.cut:
            assert (outcome.left, self.fleet.held, self.fleet.values) == ((), {}, OLD)

    @invariant()
    def at_most_one_waits_and_guards_belong_to_open_runs(self) -> None:
        Confirmations.steps += 1
        assert len([log for log in self.runs() if log.ended is End.PENDING]) <= 1
        settled = {log.run for log in self.runs() if log.ended in ENDED}
        assert not {guard.run for guard in self.fleet.held.values() if not guard.fired} & settled

    @invariant()
    def what_is_settled_is_old_or_new(self) -> None:
        if all(log.ended in ENDED for log in self.runs()) and not self.fleet.cut:
            last = next((log.ended for log in reversed(self.runs())), None)
            assert self.fleet.values == (NEW if last is End.COMMITTED else OLD)

    @invariant()
    def past_every_deadline_nothing_unconfirmed_is_left(self) -> None:
        if self.fleet.held and all(guard.fired for guard in self.fleet.held.values()):
            for machine in self.fleet.held:
                assert self.fleet.values[machine] == "0"


def _die(*_: object) -> Any:
    raise Died


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("examples", "least"), [(25, 100), pytest.param(800, 10_000, marks=pytest.mark.full)]
)
def test_whatever_happens_to_runs_that_wait(
    examples: int, least: int, capsys: pytest.CaptureFixture[str]
) -> None:
    Confirmations.steps = 0
    run_state_machine_as_test(
        Confirmations,
        settings=settings(
            max_examples=examples,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    with capsys.disabled():
        print(f"\nconfirm state machine: {Confirmations.steps} steps")  # noqa: T201 - a tracked number
    assert Confirmations.steps >= least
