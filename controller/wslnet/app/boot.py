"""`wslnet boot install` and `remove`: the two scheduled tasks, and what Linux machines start, as one plan.

Installing registers and reads back; nothing of the network changes. What the tasks do is `app.boot_run`, what
the Linux machines do `wslnet_linux_agent.resident`.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from wslnet.app.boot_linux import let_begin, linux_machines, persistent_part
from wslnet.app.boot_wish import boot_data
from wslnet.app.result import Result, RunResult
from wslnet.app.setup import needs_of
from wslnet.engine.apply import Progress, apply_changes
from wslnet.engine.commit import commit
from wslnet.engine.gather import gather
from wslnet.engine.journal import Journal, new_run_id
from wslnet.engine.lock import only_run
from wslnet.engine.machine_locks import held_locks
from wslnet.engine.planner import make_plan
from wslnet.engine.run_log import refuse_beside_pending
from wslnet.engine.take_back import roll_back
from wslnet.errors import InputError, NeedsElevation, RollbackIncomplete, Unsupported, WslnetError
from wslnet.model.change import Op
from wslnet.profiles.boot import WSL, network_task, wsl_task
from wslnet.profiles.persistence import NEEDS, without_persisters
from wslnet.resources.boot_data import BootDataFile
from wslnet.resources.scheduled_task import ScheduledTask

if TYPE_CHECKING:
    from collections.abc import Callable

    from wslnet.engine.fleet import Fleet
    from wslnet.model.change import Resource
    from wslnet.model.plan import Plan
    from wslnet.model.snapshot import Snapshot
    from wslnet.model.windows_facts import Boot

JOURNAL = "boot"
"""Folder of the journals of boot runs: `wslnet undo` takes back what setup did, never these."""

BOOT_FACTS = frozenset({"boot", "elevated"})
_START_DEADLINE_S = 30.0
_HAS_NOT_RUN = 0x41303
_RUNNING = 0x41301
_LOGON_TYPE_NOT_GRANTED = 0x80070569
_NOT_GRANTED_ID = "HRESULT 0x80070569"
_POLL_S = 0.5
_TO_NOBODY = "S-1-5-18"


@dataclass(frozen=True)
class PreparedBoot:
    """What `install` or `remove` would do."""

    fleet: Fleet
    resources: tuple[Resource, ...]
    plan: Plan
    snapshot: Snapshot
    before_logon: bool = False


def prepare_install(fleet: Fleet, say: Callable[[str, str], None], *, before_logon: bool) -> PreparedBoot:
    """Reads the machines, refuses what would not be safe, and makes the plan. Changes nothing.

    Raises:
        InputError: no Windows or WSL in the inventory, no mode known, or wslnet is not installed for SYSTEM.
        Unsupported: somebody else could change what SYSTEM would run.
    """
    inventory = fleet.inventory
    windows = inventory.windows
    if windows is None or inventory.wsl is None:
        raise InputError(f"{inventory.path}: boot needs a windows and a wsl machine")
    say("all", "reading the machines")
    needs = dict(needs_of(inventory))
    needs[windows.name] |= BOOT_FACTS
    needs |= {name: needs[name] | NEEDS for name in linux_machines(inventory)}
    snapshot = gather(fleet, needs)
    boot = _boot_of(snapshot)
    _refuse_unsafe(boot, windows.name)
    data = boot_data(snapshot)
    why = "what a start of Windows puts back"
    resources: tuple[Resource, ...] = (
        BootDataFile(windows.name, data.to_bytes(), boot.sid, why),
        ScheduledTask(windows.name, network_task(boot.sid), "SYSTEM puts the network half back"),
        ScheduledTask(
            windows.name,
            wsl_task(boot.sid, before_logon=before_logon),
            "the owner starts and holds WSL, brings its VMs and routes back",
        ),
        *(one for name in linux_machines(inventory) for one in persistent_part(snapshot, name)),
    )
    for name in snapshot.unseen:
        say(name, f"not seen, nothing is installed there: {snapshot.unseen[name].reason}")
    return PreparedBoot(fleet, resources, make_plan(snapshot, resources), snapshot, before_logon)


def prepare_remove(fleet: Fleet) -> PreparedBoot:
    """The plan that removes the tasks and their data.

    Raises:
        InputError: no Windows in the inventory.
    """
    windows = fleet.inventory.windows
    if windows is None:
        raise InputError(f"{fleet.inventory.path}: boot needs a windows machine")
    linux = dict.fromkeys(linux_machines(fleet.inventory), NEEDS)
    snapshot = gather(fleet, linux | {windows.name: BOOT_FACTS})
    sid = _boot_of(snapshot).sid
    resources: tuple[Resource, ...] = (
        ScheduledTask(windows.name, wsl_task(sid, before_logon=False), "asked for", present=False),
        ScheduledTask(windows.name, network_task(sid), "asked for", present=False),
        BootDataFile(windows.name, None, _TO_NOBODY, "asked for"),
        *(one for name in linux_machines(fleet.inventory) for one in without_persisters(snapshot, name)),
    )
    notes = [
        f"{name} was not seen ({unseen.reason}): what boot install left there stays until this is run again"
        for name, unseen in snapshot.unseen.items()
    ]
    return PreparedBoot(fleet, resources, make_plan(snapshot, resources, notes=notes), snapshot)


def run_boot(prepared: PreparedBoot, say: Callable[[str, str], None]) -> RunResult:
    """Carries the plan out and reads back; takes everything back when one part fails.

    Never raises for a failed change: the result says what failed and what is left.

    Raises:
        NeedsElevation: the session has no administrator's rights; nothing was changed.
        PlanRefused: another run is at work, or waits for its confirmation.
    """
    began = time.monotonic()
    fleet, plan = prepared.fleet, prepared.plan
    if not plan.changes:
        return RunResult(None, Result.UNCHANGED, seconds=time.monotonic() - began)
    if prepared.snapshot.windows is not None and prepared.snapshot.windows.elevated is False:
        raise NeedsElevation(
            "the tasks need an administrator; nothing was changed", hint="run it in an elevated terminal"
        )
    state, run_id = fleet.inventory.state, new_run_id()
    refuse_beside_pending(state)
    with (
        only_run(state),
        held_locks(fleet, run_id, plan.machines(fleet.inventory), say) as locked,
        Journal(state / JOURNAL, run_id) as journal,
    ):
        run = Progress(locked, journal, say)
        journal.open_run(plan, ())
        outcome = RunResult(journal.run, Result.COMMITTED, plan.changes, run.outcomes)
        try:
            apply_changes(run, plan.changes, prepared.resources)
            if prepared.before_logon:
                _check_batch_right(prepared)
            commit(run)
        except WslnetError as error:
            outcome = _taken_back(run, replace(outcome, reason=error.message))
    if outcome.result is Result.COMMITTED:
        outcome = replace(outcome, notes=(*plan.notes, *let_begin(fleet, plan)))
    return replace(outcome, seconds=time.monotonic() - began)


def _taken_back(run: Progress, outcome: RunResult) -> RunResult:
    run.journal.note("failed", reason=outcome.reason)
    try:
        roll_back(run)
        run.journal.note("rolled-back")
        outcome = replace(outcome, result=Result.ROLLED_BACK, exit_code=12)
    except RollbackIncomplete as error:
        outcome = replace(outcome, result=Result.FAILED, left=error.left, exit_code=error.exit_code)
    return replace(outcome, unrecorded=tuple(run.journal.unrecorded))


def _boot_of(snapshot: Snapshot) -> Boot:
    windows = snapshot.inventory.windows
    name = windows.name if windows is not None else ""
    if name in snapshot.unseen:
        raise snapshot.unseen[name].error(name)
    facts = snapshot.windows
    if facts is None or facts.boot is None:
        raise WslnetError(f"{name}: the scheduled tasks cannot be read", machine=name)
    return facts.boot


def _refuse_unsafe(boot: Boot, machine: str) -> None:
    """SYSTEM must run only what administrators alone can write (windows-facts 11)."""
    if not boot.program.exists:
        raise InputError(
            f"{machine}: {boot.program.path} is not there, and SYSTEM may run nothing from a user's folder",
            machine=machine,
            hint="install wslnet for the machine: installer\\install.ps1, elevated",
        )
    if boot.program.strangers:
        raise Unsupported(
            f"{machine}: refused, others than administrators could change what SYSTEM would run: "
            + "; ".join(boot.program.strangers),
            machine=machine,
        )


def _check_batch_right(prepared: PreparedBoot) -> None:
    """Start the S4U task once: without the right, registering succeeds and the task never runs.

    Raises:
        Unsupported: the owner may not log on as a batch job, so it would never start (windows-facts 11).
        WslnetError: it does not start for another reason.
    """
    fleet, windows = prepared.fleet, prepared.fleet.inventory.windows
    if windows is None:
        return
    start = Op("task.start", {"name": WSL})
    (started,) = fleet.execute(windows.name, [start], deadline_s=_START_DEADLINE_S)
    result = _first_result(fleet, windows.name) if started.ok else None
    if result == _LOGON_TYPE_NOT_GRANTED or _NOT_GRANTED_ID in started.message:
        raise Unsupported(
            f'{windows.name}: the owner lacks the right "Log on as a batch job" (0x80070569), so a task '
            "before logon would never start",
            machine=windows.name,
        )
    if result not in {0, _RUNNING}:
        raise WslnetError(
            f"{windows.name}: the task before logon does not start: {started.message or result}"
        )


def _first_result(fleet: Fleet, windows: str) -> int | None:
    """How the owner's task ended first, or that it runs; None when it did not begin in time."""
    deadline = time.monotonic() + _START_DEADLINE_S
    while time.monotonic() < deadline:
        boot = _boot_of(gather(fleet, {windows: frozenset({"boot"})}))
        result = next((one.last_result for one in boot.tasks if one.name == WSL), None)
        if result not in {None, _HAS_NOT_RUN}:
            return result
        time.sleep(_POLL_S)
    return None
