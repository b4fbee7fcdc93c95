"""Runs a prepared plan to its end: committed, unchanged, or rolled back; one journal a run."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from wslnet.app.after_reboot import wait_for_boot, waiting_for_boot
from wslnet.app.elevation import obtain_rights
from wslnet.app.guard_of_windows import guard_of_windows
from wslnet.app.proofs import unproven
from wslnet.app.result import Result, RunResult
from wslnet.app.setup import needs_of
from wslnet.app.take_back import take_back
from wslnet.engine.apply import Progress, apply_changes, check_forecast
from wslnet.engine.commit import commit
from wslnet.engine.foreign import changed_by_others, demand_winning
from wslnet.engine.gather import gather
from wslnet.engine.guards import DEFAULT_S, Guards
from wslnet.engine.journal import FOLDER, Journal, new_run_id
from wslnet.engine.lock import only_run
from wslnet.engine.machine_locks import PENDING_MARGIN_S, machine_locks
from wslnet.engine.planner import make_plan
from wslnet.engine.regression import contradictions, measure_baseline, verify
from wslnet.engine.restart import ModeNotReached, running_vms
from wslnet.engine.run_log import refuse_beside_pending
from wslnet.engine.stale import demand_fresh
from wslnet.engine.undoable import demand_undoable
from wslnet.engine.unseen import demand_seen
from wslnet.errors import (
    Interrupted,
    JournalFailed,
    NeedsElevation,
    NeedsReboot,
    PlanRefused,
    Unreachable,
    WslnetError,
)
from wslnet.model.change import Action
from wslnet.model.consent import Consent
from wslnet.model.fallback import held_by_boot, ports_behind_boot

if TYPE_CHECKING:
    from collections.abc import Callable

    from wslnet.app.setup import Prepared
    from wslnet.engine.fleet import Fleet
    from wslnet.engine.guards import WindowsGuard
    from wslnet.model.change import Change
    from wslnet.model.plan import Plan
    from wslnet.model.regression import Baseline
    from wslnet.model.snapshot import Snapshot

_REFUSALS = (JournalFailed, NeedsElevation, PlanRefused, Unreachable)
"""Told as they are when nothing was changed yet."""

_VERIFY_ATTEMPTS = 6
_PENDING_ATTEMPTS = 2
"""Before a run waits: its guards go on counting while it is judged."""


class NotAsWished(WslnetError):
    """Probes contradict the wish after all changes were made."""

    code = "not-as-wished"


def execute(
    prepared: Prepared,
    say: Callable[[str, str], None],
    *,
    confirm_within: float | None = None,
    consent: Consent | None = None,
    attended: bool = False,
) -> RunResult:
    """Runs the prepared plan; with `confirm_within` (seconds) it then waits for `wslnet confirm`.

    `consent`: what the user agreed to beforehand; None: to nothing. `attended`: somebody sits there who can
    answer Windows' prompt for an administrator's rights.

    Never raises for a failed change: the result says what failed, what was taken back and what is left.

    Raises:
        NeedsElevation: Windows' part needs an administrator and has none; nothing was changed.
        Unreachable: a machine went out of reach before the first change.
        PlanRefused: another run is at work or waits for its confirmation, here or on a machine of another
            inventory; the facts moved since the plan was made; or a change cannot be undone.
        Unsupported: it should wait for a confirmation and no guard could take all of it back.
    """
    began = time.monotonic()
    fleet, plan = prepared.fleet, prepared.plan
    refuse_beside_pending(fleet.inventory.state)
    if not plan.changes:
        return replace(_unchanged(prepared, say), seconds=time.monotonic() - began)
    obtain_rights(fleet, prepared.snapshot, plan.changes, plan.to_json(), attended=attended)
    consent = consent or Consent()
    demand_undoable(plan.changes, accepted=consent.irreversible, to_confirm=confirm_within is not None)
    windows = guard_of_windows(prepared, demanded=confirm_within is not None)
    state = fleet.inventory.state
    with only_run(state):
        # Another run may have come to wait since the plan was shown.
        refuse_beside_pending(state)
        run, machines = new_run_id(), plan.machines(fleet.inventory)
        with machine_locks(fleet, run, machines, say) as locked:
            snapshot = demand_fresh(locked, prepared.snapshot, plan)
            mine = replace(prepared, fleet=locked, snapshot=snapshot)
            outcome = _run(mine, run, say, confirm_within, windows=windows, consent=consent)
            if confirm_within is not None and outcome.result is Result.PENDING:
                locked.keep(confirm_within + PENDING_MARGIN_S)
        return replace(outcome, seconds=time.monotonic() - began)


def _run(
    prepared: Prepared,
    run_id: str,
    say: Callable[[str, str], None],
    confirm_within: float | None,
    *,
    windows: WindowsGuard | None,
    consent: Consent,
) -> RunResult:
    fleet, plan = prepared.fleet, prepared.plan
    with Journal(fleet.inventory.state / FOLDER, run_id) as journal:
        say("all", "measuring who reaches whom before the changes")
        baseline = measure_baseline(fleet, prepared.snapshot, prepared.options, consent)
        guards = Guards(fleet, journal, min(confirm_within or DEFAULT_S, DEFAULT_S), windows=windows)
        vms = running_vms(prepared.snapshot)
        run = Progress(fleet, journal, say, vms, guards=guards, consent=consent)
        journal.open_run(plan, vms, to_confirm=confirm_within is not None, baseline=baseline)
        outcome = _changed(prepared, run, guards, confirm_within, baseline)
        if outcome.result is Result.ROLLED_BACK and not any(s.barrier for s in plan.stages):
            # Behind a restart nothing volatile is as it was.
            foreign = changed_by_others(fleet, prepared.snapshot, outcome.changes)
            outcome = replace(outcome, foreign=foreign)
        return outcome


def _unchanged(prepared: Prepared, say: Callable[[str, str], None]) -> RunResult:
    say("all", "probing with real packets")
    measured = verify(
        prepared.fleet,
        prepared.snapshot,
        None,
        peer=prepared.options.lan_peer,
        attempts=_VERIFY_ATTEMPTS,
    )
    reason = contradictions(measured) or _unproven(prepared, prepared.fleet, prepared.snapshot)
    result, code = (Result.UNCHANGED, 0) if reason is None else (Result.FAILED, 1)
    return RunResult(None, result, verify=measured, notes=prepared.plan.notes, reason=reason, exit_code=code)


def _changed(
    prepared: Prepared, run: Progress, guards: Guards, confirm_within: float | None, baseline: Baseline
) -> RunResult:
    outcome = RunResult(
        run.journal.run, Result.COMMITTED, prepared.plan.changes, run.outcomes, notes=prepared.plan.notes
    )
    try:
        snapshot, changes = _apply(prepared, run)
        lost = tuple(f"not put back: {words}" for words in run.not_put_back)
        outcome = replace(outcome, changes=tuple(changes), notes=(*outcome.notes, *lost))
        guards.extend(guards.seconds)
        run.journal.write("probing")
        # Judged only over connections made after the change.
        run.fleet.forget(run.fleet.inventory.machines)
        run.say("all", "probing with real packets")
        measured = verify(
            run.fleet,
            snapshot,
            baseline,
            peer=prepared.options.lan_peer,
            wished=confirm_within is None,
            attempts=_VERIFY_ATTEMPTS if confirm_within is None else _PENDING_ATTEMPTS,
        )
        outcome = replace(outcome, verify=measured)
        reason = contradictions(measured) or _unproven(prepared, run.fleet, snapshot)
        if reason is not None:
            raise NotAsWished(reason)
        resources = (*prepared.resources, *prepared.behind(snapshot))
        outcome = replace(outcome, foreign=demand_winning(run.fleet, snapshot, changes, resources))
        if confirm_within is not None:
            return _wait_for_confirmation(run, guards, outcome, confirm_within)
        run.journal.write("confirm-began")
        commit(run)
    except (ModeNotReached, NeedsReboot) as error:
        why = _awaited(prepared, error)
        if why is not None and confirm_within is None:
            return wait_for_boot(run, outcome, why)
        return take_back(run, replace(outcome, reason=error.message))
    except WslnetError as error:
        if isinstance(error, _REFUSALS) and not run.applied:
            guards.clear()
            run.journal.note("rolled-back")
            raise
        return take_back(run, replace(outcome, reason=error.message))
    except KeyboardInterrupt:
        return take_back(run, replace(outcome, reason=Interrupted.code))
    return outcome


def _awaited(prepared: Prepared, error: ModeNotReached | NeedsReboot) -> str | None:
    """Why the rest can be done after a boot of Windows; None: a boot would not help."""
    if isinstance(error, NeedsReboot):
        return error.message
    before = prepared.snapshot
    held = held_by_boot(before.windows, error.found, str(prepared.plan.profile.get("mode")))
    # Where WSL had a network before, it is better taken back than left without one until then.
    as_before = error.found == before.mode
    return held or (ports_behind_boot(before.windows, before.mode) if as_before else None)


def _unproven(prepared: Prepared, fleet: Fleet, snapshot: Snapshot) -> str | None:
    return unproven(fleet, snapshot, prepared.proves, needs_of(fleet.inventory)) if prepared.proves else None


def _wait_for_confirmation(
    run: Progress, guards: Guards, outcome: RunResult, confirm_within: float
) -> RunResult:
    """T counts from here: the guards are alone with it until `wslnet confirm`."""
    deadline = (datetime.now(UTC) + timedelta(seconds=confirm_within)).isoformat(timespec="milliseconds")
    guards.extend(confirm_within)
    run.journal.write("pending", deadline=deadline)
    return replace(outcome, result=Result.PENDING, deadline=deadline)


def _apply(prepared: Prepared, run: Progress) -> tuple[Snapshot, list[Change]]:
    """Stage 1 and the barrier as planned, stage 2 as it is found behind the barrier."""
    plan = prepared.plan
    first = [change for change in plan.changes if not _is_forecast(plan, change)]
    why = waiting_for_boot(first)
    if why is not None:
        apply_changes(run, [one for one in first if one.action is not Action.RESTART], prepared.resources)
        raise NeedsReboot(why)
    apply_changes(run, first, prepared.resources)
    if not any(stage.forecast for stage in plan.stages):
        return prepared.snapshot, first
    snapshot = gather(run.fleet, needs_of(run.fleet.inventory))
    demand_seen(snapshot, prepared.snapshot.unseen)
    resources = tuple(one for one in prepared.behind(snapshot) if one.machine not in snapshot.unseen)
    found = tuple(replace(change, stage=2) for change in make_plan(snapshot, resources).changes)
    check_forecast([change for change in plan.changes if change.stage > 1], found, prepared.snapshot.unseen)
    demand_undoable(found, accepted=run.consent.irreversible, to_confirm=False)
    apply_changes(run, found, resources)
    return snapshot, [*first, *found]


def _is_forecast(plan: Plan, change: Change) -> bool:
    forecast = {stage.number for stage in plan.stages if stage.forecast}
    return change.stage in forecast and change.action is not Action.RESTART
