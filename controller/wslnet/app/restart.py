"""`wslnet restart`: a restart of WSL that nobody notices afterwards.

What lives in WSL only (routes, accepts, forwarding) and was true before is put back behind it, and what is
published follows WSL's new address; nothing new is declared. A finished restart leaves nothing that `undo`
could take back, so its journal ends with that word.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from wslnet.app.result import Result, RunResult
from wslnet.app.setup import needs_of
from wslnet.app.status import configured_mode
from wslnet.engine.apply import Progress, apply_changes
from wslnet.engine.barrier import cross
from wslnet.engine.forecast import with_forecast
from wslnet.engine.gather import gather
from wslnet.engine.journal import FOLDER, Journal, new_run_id
from wslnet.engine.lock import only_run
from wslnet.engine.machine_locks import held_locks
from wslnet.engine.planner import RESTART_VERB, make_plan
from wslnet.engine.probes import measure
from wslnet.engine.restart import RestartRefused, running_vms
from wslnet.engine.run_log import End, refuse_beside_pending
from wslnet.errors import AgentError, InputError, PlanRefused, WslnetError
from wslnet.model.consent import Consent
from wslnet.model.reach import wished_probes
from wslnet.profiles.mirrored import volatile_resources
from wslnet.profiles.table import PROFILES
from wslnet.resources.port_proxy import PortProxyRule
from wslnet.resources.udp_relay import UdpRelay

if TYPE_CHECKING:
    from collections.abc import Callable

    from wslnet.engine.fleet import Fleet
    from wslnet.model.change import Change, Resource
    from wslnet.model.plan import Plan
    from wslnet.model.snapshot import Snapshot

_DEFAULT_MODE = "nat"
_VERIFY_ATTEMPTS = 3
_THERE = "exists"
_LAST_WORD = str(End.RESTARTED)
"""There is nothing to take back, so `undo` passes it over."""


@dataclass(frozen=True)
class PreparedRestart:
    """What a restart will do: the plan with its `cut`, and the names of what is put back behind it."""

    fleet: Fleet
    snapshot: Snapshot
    plan: Plan
    kept: frozenset[tuple[str, str]]
    mode: str


def prepare_restart(fleet: Fleet, say: Callable[[str, str], None]) -> PreparedRestart:
    """Reads all machines and makes the plan; changes nothing.

    Machines in WSL that cannot be seen are restarted with it all the same, and named in the plan's notes.

    Raises:
        InputError: the inventory has no windows or no wsl machine.
        Unreachable: Windows cannot be seen.
    """
    windows, wsl = fleet.inventory.windows, fleet.inventory.wsl
    if windows is None or wsl is None:
        raise InputError(f"{fleet.inventory.path}: a restart of WSL needs a windows and a wsl machine")
    snapshot = gather(fleet, needs_of(fleet.inventory), say=say)
    if windows.name in snapshot.unseen:
        raise snapshot.unseen[windows.name].error(windows.name)
    resources = [one for one in behind_start(snapshot) if is_kept(snapshot, one)]
    notes = [f"{name} was not seen: {unseen.reason}" for name, unseen in snapshot.unseen.items()]
    if snapshot.inventory.wish.forward and not _may_publish(snapshot):
        notes.append(
            f"{windows.name}: what is published follows WSL's address only by the boot tasks or by an "
            "administrator's run"
        )
    mode = configured_mode(snapshot) or _DEFAULT_MODE
    plan = make_plan(snapshot, resources, mode=mode, notes=notes, restart=True)
    stages = tuple(one for one in plan.stages if any(change.stage == one.number for change in plan.changes))
    plan = with_forecast(fleet, snapshot, replace(plan, stages=stages, profile={"verb": "restart"}))
    return PreparedRestart(
        fleet, snapshot, plan, frozenset((one.machine, one.name) for one in resources), mode
    )


def behind_start(snapshot: Snapshot) -> tuple[Resource, ...]:
    """What a start of WSL in the mode of now needs; a mode without a profile needs what connects the VMs."""
    profile = PROFILES.get(snapshot.mode or "")
    return profile.behind(snapshot) if profile is not None else volatile_resources(snapshot)


def _may_publish(snapshot: Snapshot) -> bool:
    return snapshot.windows is not None and snapshot.windows.elevated is not False


def is_kept(snapshot: Snapshot, resource: Resource) -> bool:
    """Whether it is put back: what is true now, and rules to WSL, which may lead to an earlier address."""
    facts = snapshot.facts.get(resource.machine)
    if isinstance(resource, PortProxyRule | UdpRelay):
        return _may_publish(snapshot)
    try:
        return facts is not None and not resource.diff(facts)
    except PlanRefused:
        return False


def run_restart(
    prepared: PreparedRestart, say: Callable[[str, str], None], *, force: bool = False
) -> RunResult:
    """Restarts, puts back, probes. A failure behind the restart is told in the result.

    Raises:
        RestartRefused: a VM did not stop; everything runs as before.
        PlanRefused: another run is at work, or waits for its confirmation.
    """
    began = time.monotonic()
    fleet, state, run_id = prepared.fleet, prepared.fleet.inventory.state, new_run_id()
    refuse_beside_pending(state)
    with (
        only_run(state),
        held_locks(fleet, run_id, prepared.plan.machines(fleet.inventory), say) as locked,
        Journal(state / FOLDER, run_id) as journal,
    ):
        run = Progress(locked, journal, say, running_vms(prepared.snapshot), consent=Consent(force=force))
        journal.open_run(prepared.plan, run.vms)
        barrier = next(one for one in prepared.plan.changes if one.do.verb == RESTART_VERB)
        journal.intent(barrier)
        outcome = RunResult(
            journal.run, Result.COMMITTED, prepared.plan.changes, run.outcomes, notes=prepared.plan.notes
        )
        try:
            found = cross(run, None)
            lost = tuple(f"not put back: {words}" for words in run.not_put_back)
            outcome = replace(outcome, notes=(*outcome.notes, *_mode_notes(prepared.mode, found), *lost))
            journal.verified(barrier)
            run.outcomes[barrier.id] = "done"
            outcome = _put_back(prepared, run, barrier, outcome)
        except RestartRefused:
            journal.not_done(barrier)
            journal.note("rolled-back")
            raise
        except WslnetError as error:
            return replace(
                outcome,
                result=Result.FAILED,
                reason=f"{error.message}; `wslnet resume` tries again",
                exit_code=error.exit_code,
                seconds=time.monotonic() - began,
            )
        journal.write(_LAST_WORD)
        return replace(outcome, seconds=time.monotonic() - began)


def _mode_notes(asked: str, found: str | None) -> tuple[str, ...]:
    if found == asked:
        return (f"WSL runs in mode {found}, as .wslconfig asks for",)
    return (f"WSL runs in mode {found}, and .wslconfig asks for {asked}: `wslnet doctor --only mode.actual`",)


def _put_back(prepared: PreparedRestart, run: Progress, barrier: Change, outcome: RunResult) -> RunResult:
    try:
        snapshot, changes = _made_true(prepared, run)
    except AgentError as error:
        if error.op_code != _THERE:
            raise
        # Machines put things back by themselves, too; what they were faster with is seen now.
        snapshot, changes = _made_true(prepared, run)
    run.fleet.forget(run.fleet.inventory.machines)
    run.say("all", "probing with real packets")
    measured = measure(run.fleet, wished_probes(snapshot), attempts=_VERIFY_ATTEMPTS)
    wrong = [f"{one.probe.source} -> {one.probe.target}" for one in measured if one.contradicts]
    notes = (f"not as wished: {', '.join(dict.fromkeys(wrong))}: `wslnet doctor` says why",) if wrong else ()
    return replace(outcome, changes=(barrier, *changes), verify=measured, notes=(*outcome.notes, *notes))


def _made_true(prepared: PreparedRestart, run: Progress) -> tuple[Snapshot, tuple[Change, ...]]:
    snapshot = gather(run.fleet, needs_of(run.fleet.inventory))
    resources = [one for one in behind_start(snapshot) if (one.machine, one.name) in prepared.kept]
    changes = tuple(replace(change, stage=2) for change in make_plan(snapshot, resources).changes)
    apply_changes(run, changes, resources)
    return snapshot, changes
