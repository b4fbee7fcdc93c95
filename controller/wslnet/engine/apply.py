"""Applies a plan: intent on disk, do, read back. Taking it back is `engine.take_back`.

Safe changes of one machine travel in one request. What was read back decides, never the agent's word alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING

from wslnet.engine.barrier import cross
from wslnet.engine.commit import written_by
from wslnet.engine.gather import gather
from wslnet.engine.guards import demand_armed
from wslnet.engine.guards_windows import kept_alive
from wslnet.engine.planner import RESTART_VERB
from wslnet.engine.restart import RestartRefused, RunningVm
from wslnet.errors import (
    AgentError,
    Locked,
    NeedsElevation,
    PlanRefused,
    Unreachable,
)
from wslnet.model.captured import Captured
from wslnet.model.change import Risk
from wslnet.model.consent import Consent
from wslnet.resources.kept_thing import KEPT

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from wslnet.engine.fleet import Fleet
    from wslnet.engine.guards import Guards
    from wslnet.engine.journal import Journal
    from wslnet.model.change import Change, Op, OpResult, Resource

OP_DEADLINE_S = 60.0
_NOT_PERMITTED = "not-permitted"
_NOTHING_DONE = frozenset({"not-run", _NOT_PERMITTED})


@dataclass
class Progress:
    """What a run has done so far: enough to take it back and to tell it. Without `guards` it has none.

    `consent`: what the user agreed to beforehand; `captured`: what a restart loses of others, `not_put_back`
    what of that did not come back, in words.
    """

    fleet: Fleet
    journal: Journal
    say: Callable[[str, str], None]
    vms: tuple[RunningVm, ...] = ()
    applied: list[Change] = field(default_factory=list)
    outcomes: dict[str, str] = field(default_factory=dict)
    guards: Guards | None = None
    consent: Consent = field(default_factory=Consent)
    captured: Captured = field(default_factory=Captured)
    not_put_back: tuple[str, ...] = ()


def apply_changes(run: Progress, changes: Sequence[Change], resources: Iterable[Resource]) -> None:
    """Does `changes` in order and reads each back through its resource.

    Raises:
        NeedsElevation: rights are missing for one; it was not done.
        WslnetError: one failed; what was done before stands in `run.applied`.
    """
    declared = {(one.machine, one.name): one for one in resources}
    for change_batch in _batches(changes):
        if run.guards is not None:
            run.guards.refresh()
        if change_batch[0].do.verb == RESTART_VERB:
            _restart(run, change_batch[0])
        else:
            _do(run, change_batch)
            _read_back(run, change_batch, declared)


def _batches(changes: Sequence[Change]) -> Iterable[list[Change]]:
    """Neighbouring safe changes of one machine together, every other change alone."""
    numbered = enumerate(changes)
    for _, group in groupby(
        numbered, lambda pair: pair[1].machine if pair[1].risk is Risk.SAFE else (pair[0], pair[1].machine)
    ):
        yield [change for _, change in group]


def _do(run: Progress, changes: list[Change]) -> None:
    machine = changes[0].machine
    if run.guards is not None:
        run.guards.ahead(changes, run.say)
    for change in changes:
        run.journal.intent(change)
    guard = run.guards.before(changes) if run.guards is not None else ()
    for change in changes:
        run.say(machine, f"{change.action} {change.resource}")
        run.applied.append(change)
        run.outcomes[change.id] = "unknown"
    ops = [*guard, *(written_by(run.journal.run, change.do) for change in changes)]
    answers = _ask(run, changes, ops)
    results = answers[len(guard) :]
    for change, result in zip(changes, results, strict=True):
        if result.ok:
            run.outcomes[change.id] = "done"
            run.journal.done(change)
        elif result.code in _NOTHING_DONE:
            run.applied.remove(change)
            run.outcomes[change.id] = "not-done"
            run.journal.not_done(change)
        else:
            run.outcomes[change.id] = "failed"
    for answer in answers[: len(guard)]:
        demand_armed(machine, answer)
    failed = next(
        ((c, r) for c, r in zip(changes, results, strict=True) if not r.ok and r.code != "not-run"), None
    )
    if failed is not None:
        change, result = failed
        if result.code == _NOT_PERMITTED:
            raise NeedsElevation(f"{machine}: {change.resource}: {result.message}", machine=machine)
        raise AgentError(
            f"{machine}: {change.resource}: {result.message}", machine=machine, op_code=result.code
        )


def _ask(run: Progress, changes: list[Change], ops: Sequence[Op]) -> tuple[OpResult, ...]:
    try:
        return run.fleet.execute(changes[0].machine, ops, deadline_s=OP_DEADLINE_S)
    except (Unreachable, NeedsElevation, Locked):
        # Nothing of it was done: else it were OutcomeUnknown (`Fleet.execute`).
        _not_begun(run, changes)
        raise


def _not_begun(run: Progress, changes: list[Change]) -> None:
    machine = changes[0].machine
    for change in changes:
        run.applied.remove(change)
        run.outcomes[change.id] = "not-done"
    for change in changes:
        run.journal.not_done(change)
    if run.guards is not None and all(one.machine != machine for one in run.applied):
        run.guards.never_sent(machine)


def _read_back(run: Progress, changes: list[Change], declared: dict[tuple[str, str], Resource]) -> None:
    machine = changes[0].machine
    resources = [declared[change.machine, change.resource] for change in changes]
    needs = frozenset().union(*(one.needs for one in resources))
    snapshot = gather(run.fleet, {machine: needs})
    facts = snapshot.facts.get(machine)
    if facts is None:
        raise AgentError(
            f"{machine}: cannot be read back: {snapshot.unseen[machine].reason}", machine=machine
        )
    for change, resource in zip(changes, resources, strict=True):
        for again in resource.diff(facts):
            raise AgentError(
                f"{machine}: {change.resource} was written and reads back as before: "
                f"{again.before or 'it is not there'}",
                machine=machine,
            )
        run.journal.verified(change)


def _restart(run: Progress, change: Change) -> None:
    if run.guards is not None:
        run.guards.ahead([change], run.say)
    run.journal.intent(change)
    run.applied.append(change)
    run.outcomes[change.id] = "unknown"
    mode = change.do.args.get("mode")
    try:
        with kept_alive(run.guards) as lost:
            update = change.do.args.get("update")
            cross(run, str(mode) if mode else None, update=str(update) if update else None)
    except RestartRefused:
        # WSL was not touched: there is no restart to take back.
        run.journal.not_done(change)
        run.applied.remove(change)
        run.outcomes[change.id] = "not-done"
        raise
    if run.guards is not None and run.fleet.inventory.wsl is not None:
        wsl = run.fleet.inventory.wsl.name
        run.guards.crossed([wsl, *(below.name for below in run.fleet.inventory.descendants(wsl))])
    for fired in lost:
        raise fired
    run.journal.done(change)
    run.journal.verified(change)
    run.outcomes[change.id] = "done"


def check_forecast(forecast: Sequence[Change], found: Sequence[Change], unseen: Collection[str] = ()) -> None:
    """Refuses a change behind the barrier that the shown plan did not hold.

    Of machines in `unseen` the plan could hold nothing, and said so.

    Raises:
        PlanRefused: names the first such change.
    """
    shown = {(change.machine, change.resource) for change in forecast}
    for change in found:
        # That a thing is kept goes with the thing.
        names = {change.resource, change.resource.removeprefix(KEPT)}
        if change.machine not in unseen and not any((change.machine, name) in shown for name in names):
            raise PlanRefused(
                f"{change.machine}: {change.resource} was not in the plan that was shown",
                machine=change.machine,
            )
