"""`wslnet undo`, `resume` and `history`: what past runs did, and taking it back in a new process.

The journal is the only source: which changes stand, with which op each is taken back, which VMs ran. A change
whose outcome is unknown is taken back too; where there was nothing to take back, that is fine.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from wslnet.app.after_reboot import finish_after_reboot, wait_for_boot
from wslnet.app.elevation import obtain_rights
from wslnet.app.result import Result, RunResult
from wslnet.app.setup import needs_of
from wslnet.app.take_back import take_back
from wslnet.engine.apply import Progress
from wslnet.engine.commit import commit, forget_kept
from wslnet.engine.gather import gather
from wslnet.engine.guards import DEFAULT_S, Guards
from wslnet.engine.journal import FOLDER, Journal
from wslnet.engine.lock import only_run
from wslnet.engine.machine_locks import held_locks
from wslnet.engine.planner import RESTART_VERB
from wslnet.engine.regression import verify
from wslnet.engine.run_log import End, RunLog, find_run, read_runs
from wslnet.engine.take_back import roll_back
from wslnet.engine.unseen import demand_seen
from wslnet.errors import InputError, JournalFailed, NeedsReboot, RollbackIncomplete, WslnetError
from wslnet.model.change import change_to_json
from wslnet.model.consent import Consent
from wslnet.model.machine import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from wslnet.engine.fleet import Fleet


def run_to_undo(state: Path, run: str | None) -> RunLog | None:
    """The named run, or the newest committed one; None when there is none to undo.

    Raises:
        InputError: the named run does not exist, or is neither committed nor pending.
    """
    if run is not None:
        log = find_run(state, run)
        if log.ended not in {End.COMMITTED, End.PENDING}:
            raise InputError(f"run {run} is {log.ended}; only a committed or pending run can be undone")
        return log
    return next((log for log in reversed(read_runs(state)) if log.ended is End.COMMITTED), None)


def undo(
    fleet: Fleet,
    log: RunLog | None,
    say: Callable[[str, str], None],
    *,
    force: bool = False,
    attended: bool = False,
) -> RunResult:
    """Takes a committed run back, newest change first; WSL restarts if the run restarted it.

    `force`: a VM that does not stop for that is cut off. `attended`: somebody can answer a prompt for rights.

    Raises:
        Unreachable: a machine whose changes stand cannot be seen; nothing was begun.
        PlanRefused: another run is at work.
    """
    began = time.monotonic()
    if log is None:
        return RunResult(None, Result.UNCHANGED)
    _demand_reach(fleet, log, attended=attended)
    with only_run(fleet.inventory.state), taken_up(fleet, log, say, Consent(force=force)) as run:
        journal = run.journal
        outcome = RunResult(log.run, Result.COMMITTED, log.changes, run.outcomes)
        journal.write("undo-began")
        outcome = replace(outcome, notes=tuple(forget_kept(run)))
        try:
            roll_back(run)
            journal.note("undone")
        except RollbackIncomplete as error:
            journal.note("rollback-incomplete", left=list(error.left))
            outcome = replace(
                outcome,
                result=Result.FAILED,
                left=error.left,
                reason=error.message,
                exit_code=error.exit_code,
            )
        return replace(_recorded(journal, outcome), seconds=time.monotonic() - began)


def _recorded(journal: Journal, outcome: RunResult) -> RunResult:
    """All is taken back and the journal could not take it down: the run is not settled yet."""
    if not journal.unrecorded or outcome.exit_code:
        return replace(outcome, unrecorded=tuple(journal.unrecorded))
    reason = "all is taken back, and the journal could not record it"
    return replace(
        outcome,
        result=Result.FAILED,
        reason=reason,
        exit_code=JournalFailed.exit_code,
        unrecorded=tuple(journal.unrecorded),
    )


def _demand_reach(fleet: Fleet, log: RunLog, *, attended: bool) -> None:
    """Refuses to begin what would end half-way, for want of a machine or of rights.

    Behind a restart all is lost anyway that was not in place before it, so its machines need not be seen.
    """
    restarts = any(change.do.verb == RESTART_VERB for change in log.left)
    machines = {change.machine for change in log.left if change.stage == 1 or not restarts}
    if restarts and fleet.inventory.windows is not None:
        machines.add(fleet.inventory.windows.name)
    known = [machine for machine in fleet.inventory.machines.values() if machine.name in machines]
    needs = {one.name: frozenset({"elevated" if one.kind is Kind.WINDOWS else "identity"}) for one in known}
    snapshot = gather(fleet, needs)
    demand_seen(snapshot)
    shown = {"stages": [], "changes": [change_to_json(change) for change in log.left]}
    obtain_rights(fleet, snapshot, log.left, shown, attended=attended)


def interrupted(state: Path) -> RunLog | None:
    """The newest run without a last word, not confirmed in time, or whose rollback was not complete.

    None when all is settled; a run that may still be confirmed is not interrupted.
    """
    open_ends = {End.INTERRUPTED, End.INCOMPLETE, End.NEEDS_REBOOT}
    logs = reversed(read_runs(state))
    return next((log for log in logs if log.ended in open_ends or log.expired), None)


def resume(
    fleet: Fleet,
    log: RunLog | None,
    say: Callable[[str, str], None],
    *,
    finish: bool | None = None,
    force: bool = False,
) -> RunResult:
    """Brings an interrupted run to an end.

    One that waits for a reboot of Windows goes on where it stopped. Any other is rolled back unless every
    change was read back and only verify or confirm is missing; `finish` True or False overrides that (True
    only helps a run whose changes are all done). A run that only the user may confirm is rolled back, and so
    is one whose guards have fired.

    Raises:
        InputError: `finish` is asked for and changes are missing.
        PlanRefused: the run is still at work.
    """
    if log is None:
        return RunResult(None, Result.UNCHANGED)
    began = time.monotonic()
    waits = log.ended is End.NEEDS_REBOOT and finish is not False
    if finish and not log.complete and not waits:
        raise InputError(f"run {log.run} cannot be finished: not all of its changes were made; roll it back")
    with only_run(fleet.inventory.state), taken_up(fleet, log, say, Consent(force=force)) as run:
        # It may have gone back further than its journal could tell: by a guard, or with a full disk.
        run.outcomes.update({change.id: "unknown" for change in run.applied})
        outcome = RunResult(log.run, Result.COMMITTED, log.changes, run.outcomes)
        run.journal.write("resume-began")
        if waits:
            return replace(_after_reboot(run, log, outcome, say), seconds=time.monotonic() - began)
        if (log.complete and not log.to_confirm) if finish is None else finish:
            snapshot = gather(run.fleet, needs_of(fleet.inventory))
            outcome = replace(outcome, verify=verify(run.fleet, snapshot, log.baseline, attempts=3))
            if not any(one.contradicts for one in outcome.verify) and _committed(run, say):
                run.outcomes.update({change.id: "done" for change in run.applied})
                return replace(outcome, seconds=time.monotonic() - began)
        outcome = take_back(run, replace(outcome, reason=f"run {log.run} was interrupted"))
        return replace(outcome, seconds=time.monotonic() - began)


def _after_reboot(
    run: Progress, log: RunLog, outcome: RunResult, say: Callable[[str, str], None]
) -> RunResult:
    try:
        outcome = finish_after_reboot(run, log, outcome)
    except NeedsReboot as error:
        return wait_for_boot(run, outcome, error.message)
    except WslnetError as error:
        return take_back(run, replace(outcome, reason=error.message))
    if not _committed(run, say):
        return take_back(run, replace(outcome, reason=f"run {log.run} could not be confirmed"))
    run.outcomes.update({change.id: "done" for change in run.applied})
    return outcome


def _committed(run: Progress, say: Callable[[str, str], None]) -> bool:
    """Whether all changes stand: no guard is left, none had fired, and that is on disk."""
    try:
        run.journal.write("confirm-began")
        commit(run)
    except WslnetError as error:
        say("all", error.message)
        return False
    return True


@contextmanager
def taken_up(
    fleet: Fleet, log: RunLog, say: Callable[[str, str], None], consent: Consent | None = None
) -> Iterator[Progress]:
    """A run as its journal left it, its guards included; its machines are locked while it goes on.

    Raises:
        PlanRefused: another run holds one of them.
    """
    with (
        held_locks(fleet, log.run, log.machines(fleet.inventory), say) as locked,
        Journal(fleet.inventory.state / FOLDER, log.run, again=True) as journal,
    ):
        run = _progress_of(locked, journal, log, say)
        run.consent = consent or Consent()
        yield run


def _progress_of(fleet: Fleet, journal: Journal, log: RunLog, say: Callable[[str, str], None]) -> Progress:
    outcomes = {name: "done" if outcome == "verified" else outcome for name, outcome in log.outcomes.items()}
    guards = None
    if log.guards:
        until = time.monotonic() + DEFAULT_S
        tokens = set(log.guards.values())
        guards = Guards(fleet, journal, DEFAULT_S, tokens.pop(), dict.fromkeys(log.guards, until))
    return Progress(fleet, journal, say, log.vms, list(log.left), outcomes, guards, captured=log.captured)
