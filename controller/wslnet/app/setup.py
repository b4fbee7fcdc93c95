"""`wslnet setup`: preflight, plan, apply with a WSL restart in between, verify by packets, commit or undo."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from wslnet.app.doctor import wake_wsl
from wslnet.app.result import Result, RunResult
from wslnet.engine.apply import Progress, apply_changes, check_forecast, roll_back
from wslnet.engine.doctor import examine
from wslnet.engine.gather import gather
from wslnet.engine.journal import Journal, new_run_id
from wslnet.engine.planner import make_plan
from wslnet.engine.probes import measure
from wslnet.engine.restart import running_vms
from wslnet.errors import InputError, RollbackIncomplete, Unreachable, Unsupported, WslnetError
from wslnet.model.finding import Status
from wslnet.model.machine import Kind
from wslnet.model.reach import allow_probes, wished_probes
from wslnet.profiles.mirrored import mirrored_resources, volatile_resources
from wslnet.profiles.modes import WINDOWS_NEEDS
from wslnet.profiles.nested import NEEDS as LINUX_NEEDS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from wslnet.engine.fleet import Fleet
    from wslnet.model.change import Change, Resource
    from wslnet.model.machine import Inventory
    from wslnet.model.plan import Plan
    from wslnet.model.probe import Measured
    from wslnet.model.snapshot import Needs, Snapshot
    from wslnet.profiles.modes import SetupOptions

_UNSUPPORTED = frozenset({"windows.build", "wsl.version", "hyperv.firewall", "ipv6.components"})
_WRONG_INPUT = frozenset({"wslconfig.keys", "port.conflict", "subnet.overlap"})
_VERIFY_ATTEMPTS = 6


@dataclass(frozen=True)
class Prepared:
    """A setup that has been planned and not yet begun."""

    fleet: Fleet
    options: SetupOptions
    mode: str
    snapshot: Snapshot
    resources: tuple[Resource, ...]
    plan: Plan


def wish_for(inventory: Inventory, mode: str, options: SetupOptions) -> Inventory:
    """The inventory with the wish that this setup stands for: what its checks and probes judge against.

    Without wished pairs every VM is to be reached from wsl and back.
    """
    wish = inventory.wish
    reach = wish.reach or _all_vms(inventory)
    return replace(inventory, wish=replace(wish, mode=mode, reach=reach, allow=options.allow or wish.allow))


def _all_vms(inventory: Inventory) -> tuple[tuple[str, str], ...]:
    wsl = inventory.wsl
    vms = [machine.name for machine in inventory.of_kind(Kind.VM)]
    return tuple(pair for vm in vms if wsl for pair in ((wsl.name, vm), (vm, wsl.name)))


def needs_of(inventory: Inventory) -> Needs:
    """All facts that a setup reads, by machine; peers are probed from and not read."""
    return {
        name: WINDOWS_NEEDS if machine.kind is Kind.WINDOWS else LINUX_NEEDS
        for name, machine in inventory.machines.items()
        if machine.kind is not Kind.PEER
    }


def prepare(fleet: Fleet, mode: str, options: SetupOptions, say: Callable[[str, str], None]) -> Prepared:
    """Reads all machines, refuses what cannot work, and makes the plan. Changes nothing on the network.

    A stopped WSL is started to be read: it is started by this run anyway.

    Raises:
        Unreachable: Windows, WSL or a VM that is wished for cannot be seen.
        Unsupported: this Windows or WSL cannot do mirrored mode; says why.
        InputError: a port or a key stands in the way.
    """
    snapshot = _observe(fleet, say)
    notes = _preflight(snapshot)
    resources = mirrored_resources(snapshot, options)
    plan = make_plan(snapshot, resources, mode=mode, notes=notes)
    return Prepared(fleet, options, mode, snapshot, resources, plan)


def _observe(fleet: Fleet, say: Callable[[str, str], None]) -> Snapshot:
    needs = needs_of(fleet.inventory)
    say("all", "reading the machines")
    snapshot = gather(fleet, needs)
    windows, wsl = fleet.inventory.windows, fleet.inventory.wsl
    if windows is None or wsl is None:
        raise InputError(f"{fleet.inventory.path}: setup needs a windows and a wsl machine")
    service = snapshot.windows.wsl if snapshot.windows is not None else None
    if service is not None and service.installed and not service.running:
        say(windows.name, "starting WSL")
        wake_wsl(fleet)
        snapshot = gather(fleet, needs)
    for name, unseen in snapshot.unseen.items():
        raise unseen.error(name)
    return snapshot


def _preflight(snapshot: Snapshot) -> tuple[str, ...]:
    """Refuses what cannot work and returns what the user should know."""
    notes: list[str] = []
    for finding in examine(snapshot, only=_UNSUPPORTED | _WRONG_INPUT):
        text = f"{finding.machine}: {finding.title}" + (f": {finding.cause}" if finding.cause else "")
        if finding.status is Status.FAIL and finding.code in _UNSUPPORTED:
            raise Unsupported(text, machine=finding.machine)
        if finding.status is Status.FAIL:
            raise InputError(text, machine=finding.machine)
        if finding.status is Status.WARN:
            notes.append(text)
    return tuple(notes)


def execute(prepared: Prepared, say: Callable[[str, str], None]) -> RunResult:
    """Runs the prepared plan to its end: committed, unchanged, or rolled back.

    Never raises for a failed change: the result says what failed, what was taken back and what is left.
    """
    began = time.monotonic()
    fleet, plan = prepared.fleet, prepared.plan
    if not plan.changes:
        measured = _verify(prepared, prepared.snapshot, say)
        wrong = [one for one in measured if one.contradicts]
        result = Result.FAILED if wrong else Result.UNCHANGED
        return RunResult(
            None,
            result,
            verify=measured,
            notes=plan.notes,
            seconds=time.monotonic() - began,
            reason=_told(wrong),
            exit_code=1 if wrong else 0,
        )
    with Journal(fleet.inventory.state / "journal", new_run_id()) as journal:
        run = Progress(fleet, journal, say, running_vms(prepared.snapshot))
        journal.open_run(plan, run.vms)
        return _run(prepared, run, began)


def _run(prepared: Prepared, run: Progress, began: float) -> RunResult:
    changes = list(prepared.plan.changes)
    measured: tuple[Measured, ...] = ()
    reason: str | None = None
    left: tuple[str, ...] = ()
    result, exit_code = Result.COMMITTED, 0
    try:
        snapshot, changes = _apply(prepared, run)
        run.fleet.forget(
            run.fleet.inventory.machines
        )  # confirmed only over connections made after the change
        measured = _verify(prepared, snapshot, run.say)
        wrong = [one for one in measured if one.contradicts]
        if wrong:
            raise WslnetError(_told(wrong) or "")  # noqa: TRY301 - one way into the rollback
        run.journal.write("committed")
    except (WslnetError, KeyboardInterrupt) as error:
        reason = error.message if isinstance(error, WslnetError) else "interrupted"
        run.journal.write("failed", reason=reason)
        run.say("all", f"failed: {reason}; taking back what was done")
        result, exit_code = Result.ROLLED_BACK, 12
        try:
            roll_back(run)
            run.journal.write("rolled-back")
        except RollbackIncomplete as incomplete:
            left, exit_code, result = incomplete.left, incomplete.exit_code, Result.FAILED
            run.journal.write("rollback-incomplete", left=list(left))
    return RunResult(
        run.journal.run,
        result,
        tuple(changes),
        run.outcomes,
        measured,
        time.monotonic() - began,
        prepared.plan.notes,
        reason,
        exit_code,
        left,
    )


def _apply(prepared: Prepared, run: Progress) -> tuple[Snapshot, list[Change]]:
    """Stage 1 and the barrier as planned, stage 2 as it is found behind the barrier."""
    plan = prepared.plan
    first = [change for change in plan.changes if change.do.verb != "forecast" and not _behind(plan, change)]
    apply_changes(run, first, prepared.resources)
    if not any(stage.forecast for stage in plan.stages):
        return prepared.snapshot, first
    snapshot = gather(run.fleet, needs_of(run.fleet.inventory))
    for name, unseen in snapshot.unseen.items():
        raise Unreachable(f"{name} after the restart: {unseen.reason}", machine=name)
    resources = volatile_resources(snapshot)
    found = make_plan(snapshot, resources).changes
    found = tuple(replace(change, stage=2) for change in found)
    check_forecast([change for change in plan.changes if change.stage > 1], found)
    apply_changes(run, found, resources)
    return snapshot, [*first, *found]


def _behind(plan: Plan, change: Change) -> bool:
    forecast = {stage.number for stage in plan.stages if stage.forecast}
    return change.stage in forecast and change.action != "restart"


def _verify(prepared: Prepared, snapshot: Snapshot, say: Callable[[str, str], None]) -> tuple[Measured, ...]:
    say("all", "probing with real packets")
    allows = snapshot.inventory.wish.allow
    probes = (*wished_probes(snapshot), *allow_probes(snapshot, allows, prepared.options.lan_peer))
    return measure(prepared.fleet, probes, attempts=_VERIFY_ATTEMPTS)


def _told(wrong: Sequence[Measured]) -> str | None:
    if not wrong:
        return None
    words = [
        f"{one.probe.source} -> {one.probe.target} {one.probe.proto}"
        f"{f'/{one.probe.port}' if one.probe.port else ''}: {one.detail or 'no answer'}"
        for one in wrong
    ]
    return "probes are not as wished: " + "; ".join(words)
