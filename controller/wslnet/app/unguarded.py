"""Runs a plan that can cut nobody off: journal, locks, read-back, taken back when a part fails.

Neither guard nor probe has a part in it: the tasks of a start, the endpoint, a forwarding flag. What packets
prove and what needs a guard is `app.execute`.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from wslnet.app.elevation import obtain_rights
from wslnet.app.result import Result, RunResult
from wslnet.app.take_back import take_back
from wslnet.engine.apply import Progress, apply_changes
from wslnet.engine.commit import commit
from wslnet.engine.journal import FOLDER, Journal, new_run_id
from wslnet.engine.lock import only_run
from wslnet.engine.machine_locks import held_locks, machine_locks
from wslnet.engine.run_log import refuse_beside_pending
from wslnet.engine.stale import demand_fresh
from wslnet.errors import Interrupted, JournalFailed, NeedsElevation, WslnetError

if TYPE_CHECKING:
    from collections.abc import Callable

    from wslnet.engine.fleet import Fleet
    from wslnet.engine.machine_locks import LockedFleet
    from wslnet.model.change import Resource
    from wslnet.model.plan import Plan
    from wslnet.model.snapshot import Snapshot


def nothing() -> None:
    """The test of a plan that has none."""


@dataclass(frozen=True)
class UnguardedPlan:
    """A plan with all that running it takes; nothing has been changed yet.

    Attributes:
        folder: where its journal lies, under the state folder; `wslnet undo` looks only into `FOLDER`.
        test: called once all changes are read back and before they stand; raises WslnetError if not to.
        after: called once they stand; gives notes for the result.
        moving: facts move by themselves here, such as when tasks are at work after a start: what is read back
            decides alone.
    """

    fleet: Fleet
    snapshot: Snapshot
    resources: tuple[Resource, ...]
    plan: Plan
    folder: str = FOLDER
    test: Callable[[], None] = nothing
    after: Callable[[], tuple[str, ...]] = tuple
    moving: bool = False


def run_unguarded(
    prepared: UnguardedPlan, say: Callable[[str, str], None], *, attended: bool = False
) -> RunResult:
    """Runs the plan: committed, unchanged, or rolled back.

    Never raises for a failed change: the result says what failed and what is left. `attended`: somebody can
    answer a prompt for an administrator's rights.

    Raises:
        NeedsElevation: it needs an administrator and has none; nothing was changed.
        PlanRefused: another run is at work or waits for its confirmation, or the facts moved since the plan.
        Unreachable: a machine went out of reach before the first change.
    """
    began = time.monotonic()
    fleet, plan = prepared.fleet, prepared.plan
    if not plan.changes:
        return RunResult(None, Result.UNCHANGED, notes=plan.notes, seconds=time.monotonic() - began)
    obtain_rights(fleet, prepared.snapshot, plan.changes, plan.to_json(), attended=attended)
    state, run_id = fleet.inventory.state, new_run_id()
    refuse_beside_pending(state)
    locks = held_locks if prepared.moving else machine_locks
    with only_run(state), locks(fleet, run_id, plan.machines(fleet.inventory), say) as locked:
        if not prepared.moving:
            demand_fresh(locked, prepared.snapshot, plan)
        outcome = _run(prepared, locked, run_id, say)
    if outcome.result is Result.COMMITTED:
        outcome = replace(outcome, notes=(*outcome.notes, *prepared.after()))
    return replace(outcome, seconds=time.monotonic() - began)


def _run(
    prepared: UnguardedPlan, fleet: LockedFleet, run_id: str, say: Callable[[str, str], None]
) -> RunResult:
    plan = prepared.plan
    with Journal(fleet.inventory.state / prepared.folder, run_id) as journal:
        run = Progress(fleet, journal, say)
        journal.open_run(plan, ())
        outcome = RunResult(journal.run, Result.COMMITTED, plan.changes, run.outcomes, notes=plan.notes)
        try:
            apply_changes(run, plan.changes, prepared.resources)
            prepared.test()
            commit(run)
        except WslnetError as error:
            if isinstance(error, (JournalFailed, NeedsElevation)) and not run.applied:
                journal.note("rolled-back")
                raise
            return take_back(run, replace(outcome, reason=error.message))
        except KeyboardInterrupt:
            return take_back(run, replace(outcome, reason=Interrupted.code))
        return outcome
