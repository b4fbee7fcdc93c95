"""`wslnet forwarding`: shows and switches Windows' forwarding flag on the chosen interfaces.

The switch is a plan like any other: journal, read-back, taken back when it fails. Only Windows is read.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from wslnet.app.execute import take_back
from wslnet.app.result import Result, RunResult
from wslnet.engine.apply import Progress, apply_changes
from wslnet.engine.elevation import demand_rights
from wslnet.engine.gather import gather
from wslnet.engine.journal import FOLDER, Journal, new_run_id
from wslnet.engine.lock import only_run
from wslnet.engine.machine_locks import machine_locks
from wslnet.engine.planner import make_plan
from wslnet.engine.run_log import refuse_beside_pending
from wslnet.engine.stale import demand_fresh
from wslnet.errors import (
    AgentError,
    InputError,
    Interrupted,
    JournalFailed,
    NeedsElevation,
    PlanRefused,
    WslnetError,
)
from wslnet.model.tunnels import forwarding_cards, tunnels
from wslnet.profiles.forwarding import IPV4, NEEDS, Choice, choose, compile_match, resource_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from wslnet.engine.fleet import Fleet
    from wslnet.model.plan import Plan
    from wslnet.model.snapshot import Snapshot
    from wslnet.resources.interface_forwarding import InterfaceForwarding

IPV6 = 6


@dataclass(frozen=True, slots=True)
class Selection:
    """Which interfaces are meant: `match` instead of the note's pattern, the way out too, IPv6 too."""

    match: str | None = None
    include_external: bool = False
    ipv6: bool = False

    @property
    def families(self) -> tuple[int, ...]:
        """The address families that are meant; WSL's NAT and the Default Switch have IPv4 only."""
        return (IPV4, IPV6) if self.ipv6 else (IPV4,)


@dataclass(frozen=True)
class Survey:
    """The interfaces of Windows with the decision about each, and what stands in the way."""

    machine: str
    snapshot: Snapshot
    choices: tuple[Choice, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class PreparedForwarding:
    """A switch that has been planned and not begun."""

    fleet: Fleet
    snapshot: Snapshot
    resources: tuple[InterfaceForwarding, ...]
    plan: Plan


def survey(fleet: Fleet, selection: Selection) -> Survey:
    """Reads Windows and decides about each interface. Changes nothing.

    Raises:
        InputError: the inventory has no Windows host, or the pattern is no regular expression.
        Unreachable: Windows cannot be seen.
        AgentError: it did not tell its interfaces.
    """
    match = selection.match or fleet.inventory.forwarding_match
    compile_match(match)
    machine = fleet.inventory.windows
    if machine is None:
        raise InputError(f"{fleet.inventory.path}: no machine of kind windows")
    snapshot = gather(fleet, {machine.name: NEEDS | {"elevated"}})
    windows = snapshot.windows
    if windows is None:
        raise snapshot.unseen[machine.name].error(machine.name)
    if windows.interfaces is None:
        raise AgentError(f"{machine.name}: did not tell its interfaces", machine=machine.name)
    choices = choose(
        windows,
        match=match,
        include_external=selection.include_external,
        families=selection.families,
    )
    notes = tuple(
        f"{tunnel.name} takes the default route and {card.alias} forwards: the tunnel's packets may go round "
        "(wslnet doctor --only forwarding.tun)"
        for tunnel in tunnels(windows)
        for card in forwarding_cards(windows)
    )
    return Survey(machine.name, snapshot, choices, notes)


def prepare(fleet: Fleet, selection: Selection, *, enabled: bool) -> PreparedForwarding:
    """Plans the switch.

    Raises:
        InputError: nothing matches the user's own pattern.
        PlanRefused: a way out would forward beside a tunnel that takes everything (microsoft/WSL#41652).
    """
    found = survey(fleet, selection)
    chosen = [choice for choice in found.choices if choice.chosen]
    if not chosen and selection.match is not None:
        raise InputError(f"--match {selection.match!r}: no interface of {found.machine} is meant by it")
    if enabled:
        _refuse_loop(found, chosen)
    resources = tuple(resource_of(found.machine, one.interface, enabled=enabled) for one in chosen)
    plan = make_plan(found.snapshot, resources, notes=found.notes)
    return PreparedForwarding(fleet, found.snapshot, resources, plan)


def _refuse_loop(found: Survey, chosen: list[Choice]) -> None:
    windows = found.snapshot.windows
    taking = tunnels(windows) if windows is not None else ()
    for choice in chosen:
        if choice.external and taking:
            raise PlanRefused(
                f"{choice.interface.alias}: {taking[0].name} takes the default route; with forwarding on "
                "a way out its own packets would go round (microsoft/WSL#41652); nothing was changed",
                machine=found.machine,
                hint="stop the proxy's tunnel mode, or leave --include-external out",
            )


def execute(prepared: PreparedForwarding, say: Callable[[str, str], None]) -> RunResult:
    """Runs the plan: committed, unchanged, or rolled back.

    Raises:
        NeedsElevation: it needs an administrator and has none; nothing was changed.
        PlanRefused: another run is at work or waits for its confirmation, or the facts moved since the plan.
    """
    began = time.monotonic()
    fleet, plan = prepared.fleet, prepared.plan
    if not plan.changes:
        return RunResult(None, Result.UNCHANGED, notes=plan.notes, seconds=time.monotonic() - began)
    demand_rights(prepared.snapshot, plan.changes)
    state, run_id = fleet.inventory.state, new_run_id()
    refuse_beside_pending(state)
    with only_run(state), machine_locks(fleet, run_id, plan.machines(fleet.inventory), say) as locked:
        demand_fresh(locked, prepared.snapshot, plan)
        return replace(_run(prepared, locked, run_id, say), seconds=time.monotonic() - began)


def _run(
    prepared: PreparedForwarding, fleet: Fleet, run_id: str, say: Callable[[str, str], None]
) -> RunResult:
    plan = prepared.plan
    with Journal(fleet.inventory.state / FOLDER, run_id) as journal:
        run = Progress(fleet, journal, say)
        journal.open_run(plan, ())
        outcome = RunResult(journal.run, Result.COMMITTED, plan.changes, run.outcomes, notes=plan.notes)
        try:
            apply_changes(run, plan.changes, prepared.resources)
            journal.write("committed")
        except WslnetError as error:
            if isinstance(error, (JournalFailed, NeedsElevation)) and not run.applied:
                journal.note("rolled-back")
                raise
            outcome = take_back(run, replace(outcome, reason=error.message))
        except KeyboardInterrupt:
            outcome = take_back(run, replace(outcome, reason=Interrupted.code))
        return outcome
