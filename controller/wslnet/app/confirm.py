"""`wslnet confirm`: lets a pending run stand, over connections made after its changes.

It takes a run's id or finds the one that waits; every guard must still be armed, or the run is taken back.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from wslnet.app.result import Result, RunResult
from wslnet.app.take_back import take_back
from wslnet.app.undo import taken_up
from wslnet.engine.commit import commit
from wslnet.engine.lock import only_run
from wslnet.engine.run_log import End, RunLog, find_run, read_runs
from wslnet.errors import PlanRefused, WslnetError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from wslnet.engine.fleet import Fleet


_OTHERS_WITHIN_S = 15.0


def pending_run(state: Path, run: str | None) -> RunLog:
    """The run that waits for its confirmation; `run` must be its id.

    Raises:
        InputError: no run has this id.
        PlanRefused: it does not wait (any more), or none does.
    """
    if run is not None:
        log = find_run(state, run)
        if log.ended is not End.PENDING:
            raise PlanRefused(f"run {run} is {log.ended}: it does not wait for a confirmation")
        return log
    waiting = next((log for log in read_runs(state) if log.ended is End.PENDING), None)
    if waiting is None:
        raise PlanRefused("no run waits for a confirmation")
    return waiting


def confirm(fleet: Fleet, run_id: str | None, say: Callable[[str, str], None]) -> RunResult:
    """Commits the pending run; one whose guards have fired is settled and told as rolled back.

    `fleet` must hold no connection from before the changes: that they can be made proves the way.

    Raises:
        InputError, PlanRefused: as `pending_run`, or another run is at work.
    """
    began = time.monotonic()
    state = fleet.inventory.state
    # A boot task may be putting WSL in order just now; the guards wait meanwhile, and so does this.
    with only_run(state, wait_s=_OTHERS_WITHIN_S):
        log = pending_run(state, run_id)
        with taken_up(fleet, log, say) as run:
            outcome = RunResult(log.run, Result.COMMITTED, log.changes, run.outcomes)
            run.journal.write("confirm-began")
            try:
                commit(run)
            except WslnetError as error:
                outcome = take_back(run, replace(outcome, reason=error.message))
    return replace(outcome, seconds=time.monotonic() - began)
