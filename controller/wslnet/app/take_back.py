"""The end of a run that must not stand: everything is taken back, and the result says what is left."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from wslnet.app.result import Result, RunResult
from wslnet.engine.take_back import roll_back
from wslnet.errors import RollbackIncomplete, RolledBack

if TYPE_CHECKING:
    from wslnet.engine.apply import Progress


def take_back(run: Progress, outcome: RunResult) -> RunResult:
    """Rolls back what `run` did and says so in `outcome`, whose reason is kept."""
    run.say("all", f"{outcome.reason}: taking back what was done")
    run.journal.note("failed", reason=outcome.reason)
    try:
        roll_back(run)
        run.journal.note("rolled-back")
        outcome = replace(outcome, result=Result.ROLLED_BACK, exit_code=RolledBack.exit_code)
    except RollbackIncomplete as error:
        run.journal.note("rollback-incomplete", left=list(error.left))
        outcome = replace(outcome, result=Result.FAILED, left=error.left, exit_code=error.exit_code)
    return replace(outcome, unrecorded=tuple(run.journal.unrecorded))
