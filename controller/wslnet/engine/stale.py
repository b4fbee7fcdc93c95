"""Whether what a plan rests on is still there: read again under the lock, compared by fingerprint.

Minutes may lie between a plan and the answer of the user who was asked; what is read behind the lock counts.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from wslnet.engine.fact_lines import difference, fact_lines, facts_read
from wslnet.engine.gather import gather
from wslnet.engine.machine_locks import in_order
from wslnet.engine.unseen import demand_seen
from wslnet.errors import PlanRefused

if TYPE_CHECKING:
    from wslnet.engine.machine_locks import LockedFleet
    from wslnet.model.plan import Plan
    from wslnet.model.snapshot import MachineFacts, Snapshot

_SHOWN_LINES = 3
_SHOWN_LETTERS = 160


def demand_fresh(locked: LockedFleet, snapshot: Snapshot, plan: Plan) -> Snapshot:
    """Takes the locks, each in the request that reads its machine again, and gives what was read.

    Machines that are changed come one after the other in the order of the locks, the others at once. One
    that was not seen when the plan was made is locked when it answers.

    Raises:
        Locked: another controller holds one of the machines.
        PlanRefused: the facts of a machine moved since the plan was made; says which and how.
        WslnetError: a machine cannot be seen any more.
    """
    needs = {name: facts_read(snapshot.facts[name]) for name in plan.fingerprints if name in snapshot.facts}
    found = dict(snapshot.facts)
    for name in in_order(locked.inventory, locked.machines):
        if name in needs:
            found |= _seen(locked, {name: needs.pop(name)})
        elif name not in snapshot.unseen:
            locked.take(name)
    found |= _seen(locked, needs)
    for name in plan.fingerprints:
        _demand_same(name, snapshot.facts[name], found[name])
    return replace(snapshot, facts=found)


def _seen(locked: LockedFleet, needs: dict[str, frozenset[str]]) -> dict[str, MachineFacts]:
    again = gather(locked, needs)
    demand_seen(again)
    return dict(again.facts)


def _demand_same(machine: str, before: MachineFacts, after: MachineFacts) -> None:
    moved = difference(fact_lines(before), fact_lines(after))
    if not moved:
        return
    told = "; ".join(f"{name} ({shortened(lines)})" for name, lines in moved.items())
    raise PlanRefused(
        f"the plan is stale: {machine}: {told} moved since it was made; nothing was changed",
        machine=machine,
        hint="make it again",
    )


def shortened(lines: tuple[str, ...]) -> str:
    """A few of the lines, for one line of text."""
    shown = [line if len(line) <= _SHOWN_LETTERS else f"{line[:_SHOWN_LETTERS]}…" for line in lines]
    more = [f"and {len(lines) - _SHOWN_LINES} more"] if len(lines) > _SHOWN_LINES else []
    return ", ".join([*shown[:_SHOWN_LINES], *more])
