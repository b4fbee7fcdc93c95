"""A disk that refuses at any record of a run: nothing begins, or all goes back; never a third state."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from wslnet.app.confirm import confirm
from wslnet.app.execute import execute
from wslnet.app.result import Result
from wslnet.app.undo import interrupted, resume, run_to_undo, undo
from wslnet.engine import journal as journal_module
from wslnet.engine.journal import FOLDER
from wslnet.engine.run_log import End, read_runs
from wslnet.errors import JournalFailed

from .model import INNER, OUTER, Clock, GuardedFleet, prepared

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from wslnet.app.result import RunResult

OLD, NEW = {OUTER: "0", INNER: "0"}, {OUTER: "1", INNER: "1"}
SETTLED = {End.COMMITTED, End.PENDING, End.ROLLED_BACK, End.UNDONE}
DISK = Path(__file__).with_name("journal_disk.py")


def say(_machine: str, _text: str) -> None:
    """Nobody listens."""


@dataclass
class BadDisk:
    """Refuses from the sync number `at` on, `times` times; in between it is a disk like any other."""

    code: int
    at: int = 10**9
    times: int = 10**9
    syncs: int = 0

    def fsync(self, number: int) -> None:
        self.syncs += 1
        if self.at <= self.syncs < self.at + self.times:
            raise OSError(self.code, os.strerror(self.code))
        os.fsync(number)


class Seam:
    """`os` as the journal sees it, with a disk of ours below its fsync."""

    def __init__(self, disk: BadDisk) -> None:
        self.fsync = disk.fsync

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name)


@pytest.fixture
def begin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[BadDisk], GuardedFleet]:
    numbers: Iterator[int] = iter(range(1000))

    def fresh(disk: BadDisk) -> GuardedFleet:
        clock = Clock()
        clock.patch(monkeypatch)
        monkeypatch.setattr(journal_module, "os", Seam(disk))
        return GuardedFleet.at(tmp_path / str(next(numbers)), clock)

    return fresh


def whole_run(fleet: GuardedFleet) -> RunResult:
    return execute(prepared(fleet), say)


def confirmed_run(fleet: GuardedFleet) -> RunResult:
    outcome = execute(prepared(fleet), say, confirm_within=60)
    return confirm(fleet, None, say) if outcome.result is Result.PENDING else outcome


def undone_run(fleet: GuardedFleet) -> RunResult:
    outcome = execute(prepared(fleet), say)
    if outcome.result is not Result.COMMITTED:
        return outcome
    back = undo(fleet, run_to_undo(fleet.inventory.state, None), say)
    assert fleet.values == OLD, "an undo goes to its end whatever the journal says"
    return back


STORIES = {"setup": whole_run, "confirm": confirmed_run, "undo": undone_run}


@pytest.mark.parametrize("times", [1, 10**9], ids=["once", "for-good"])
@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC], ids=["eio", "enospc"])
@pytest.mark.parametrize("story", list(STORIES))
def test_a_disk_that_refuses_at_any_record(
    begin: Callable[[BadDisk], GuardedFleet], story: str, code: int, times: int
) -> None:
    healthy = BadDisk(code)
    assert STORIES[story](begin(healthy)).exit_code == 0
    refused = gone_back = stood = 0
    for at in range(1, healthy.syncs + 1):
        disk = BadDisk(code, at, times)
        fleet = begin(disk)
        outcome = None
        try:
            outcome = STORIES[story](fleet)
        except JournalFailed:
            refused += 1
        # What nobody confirmed goes by its guards.
        disk.at = 10**9
        fleet.clock.sleep(200)
        fleet.let_time_pass()
        if outcome is not None and outcome.exit_code == 0:
            assert fleet.values == (OLD if story == "undo" else NEW), at
            stood += 1
        elif outcome is not None:
            assert outcome.exit_code == (1 if story == "undo" and outcome.result is Result.FAILED else 12), at
            assert (fleet.values, outcome.left) == (OLD, ()), at
            assert bool(outcome.unrecorded) >= (times > 1), at
            gone_back += 1
        settle(fleet, at)
    print(f"{story}: {healthy.syncs} records: {refused} refused, {gone_back} gone back, {stood} stood")  # noqa: T201
    assert JournalFailed.exit_code == 1
    assert refused + gone_back + stood == healthy.syncs
    assert refused
    assert gone_back or story == "undo"


def settle(fleet: GuardedFleet, at: int) -> None:
    """With a disk that works again `resume` ends the run, or needs not; the state is old or new."""
    log = interrupted(fleet.inventory.state)
    settled = resume(fleet, log, say)
    assert settled.left == (), at
    assert fleet.values in (OLD, NEW), at
    assert {run.ended for run in read_runs(fleet.inventory.state)} <= SETTLED, at
    last = [run.ended for run in read_runs(fleet.inventory.state)][-1:]
    assert fleet.values == (NEW if last == [End.COMMITTED] else OLD), at
    assert not [one for one in fleet.held.values() if not one.fired], at


def test_a_run_that_was_refused_at_its_first_record_leaves_nothing(
    begin: Callable[[BadDisk], GuardedFleet],
) -> None:
    fleet = begin(BadDisk(errno.EIO, at=1))
    with pytest.raises(JournalFailed, match="Input/output error"):
        whole_run(fleet)
    assert list((fleet.inventory.state / FOLDER).iterdir()) == []
    assert fleet.values == OLD
    assert {verb for _, verbs in fleet.requests for verb in verbs} == {"facts", "lock.hold", "lock.release"}
    assert fleet.locks == {}


@pytest.mark.parametrize("times", [1, 10**9], ids=["once", "for-good"])
def test_a_step_whose_record_may_not_last_is_not_believed_and_going_back_is(
    begin: Callable[[BadDisk], GuardedFleet], times: int
) -> None:
    disk = BadDisk(errno.EIO)
    assert whole_run(begin(disk)).exit_code == 0
    fleet = begin(BadDisk(errno.EIO, at=disk.syncs, times=times))  # the last record is `committed`
    outcome = whole_run(fleet)
    assert (outcome.exit_code, bool(outcome.unrecorded)) == (12, times > 1)
    (log,) = read_runs(fleet.inventory.state)
    assert (log.ended, log.going_back, log.complete) == (End.ROLLED_BACK, True, False)
    assert b'"committed"' not in log.path.read_bytes()


def test_half_a_record_does_not_swallow_the_next_one(begin: Callable[[BadDisk], GuardedFleet]) -> None:
    fleet = begin(BadDisk(errno.EIO))
    assert whole_run(fleet).exit_code == 0
    (log,) = read_runs(fleet.inventory.state)
    with log.path.open("ab") as file:
        file.write('{"kind": "undo-began", "note": "\u00fc'.encode()[:-1])
    assert undo(fleet, run_to_undo(fleet.inventory.state, None), say).exit_code == 0
    (log,) = read_runs(fleet.inventory.state)
    assert log.ended is End.UNDONE


def test_every_step_has_a_record_before_and_after_it(begin: Callable[[BadDisk], GuardedFleet]) -> None:
    fleet = begin(BadDisk(errno.EIO))
    whole_run(fleet)
    undo(fleet, run_to_undo(fleet.inventory.state, None), say)
    (log,) = read_runs(fleet.inventory.state)
    records = [json.loads(line) for line in log.path.read_bytes().split(b"\n") if line]
    kinds = [record["kind"] for record in records if record["kind"] != "guard"]
    one_change = ["intent", "done", "verified"]
    back = ["undoing", "undone"]
    confirmed = ["probing", "confirm-began", "committed"]
    assert kinds == ["open", *one_change * 2, *confirmed, "undo-began", *back * 2, "undone"]
    assert all(record["change"]["undo"] for record in records if record["kind"] == "intent")


@pytest.mark.lab
@pytest.mark.timeout(180)
def test_a_real_disk_that_fills_up_or_cannot_be_written() -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root for a mount namespace of its own")
    argv = ["unshare", "--mount", "--propagation", "private", sys.executable, str(DISK)]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=170, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    points = [json.loads(line) for line in done.stdout.splitlines()]
    tally: dict[str, int] = {}
    for point in points:
        ended = "refused" if point["error"] else point["result"]
        tally[f"{point['fault']} {ended}"] = tally.get(f"{point['fault']} {ended}", 0) + 1
        expected = {"committed": NEW, "rolled-back": OLD, "refused": point["before"]}[ended]
        assert point["values"] == expected, point
        assert point["code"] == {"refused": 1, "rolled-back": 12, "committed": 0}[ended], point
        assert point["resumed"] in (expected, OLD), point
        assert point["left"] == [], point
        if point["fault"] == "full":
            assert point["unrecorded"] == [], "the room that was kept is enough to record taking back"
    print(f"real disk: {len(points)} points: {tally}")  # noqa: T201 - a tracked number
    assert tally["full refused"] >= 2
    assert tally["full rolled-back"] >= 2
    assert tally["read-only refused"] == 3
