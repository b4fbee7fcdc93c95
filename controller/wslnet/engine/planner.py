"""Orders the differences of resources into a plan with stages split at the WSL restart.

Stage 1 holds what a restart does not lose; stage 2 what it does. When nothing in stage 1 restarts WSL and
the mode is right, there is one stage. Within a stage the leaf comes first, and on one machine what cuts
links comes last.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from wslnet.engine.fact_lines import fact_prints, fingerprint
from wslnet.errors import PlanRefused
from wslnet.model.change import FORECAST_VERB, Action, Change, Op, Risk
from wslnet.model.plan import Plan, Stage
from wslnet.resources.kept_thing import KEPT
from wslnet.resources.port_proxy import PortProxyRule
from wslnet.resources.udp_relay import UdpRelay

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from wslnet.model.change import Resource
    from wslnet.model.snapshot import Snapshot

_UPDATES = {"stable": "wsl --update", "pre": "wsl --update --pre-release"}
RESTART_VERB = "wsl.restart"
"""The op of the barrier; `wslnet.engine.restart` carries it out, no agent does."""


def make_plan(
    snapshot: Snapshot,
    resources: Sequence[Resource],
    *,
    mode: str | None = None,
    notes: Sequence[str] = (),
    restart: bool = False,
    update: str | None = None,
) -> Plan:
    """The plan that makes all `resources` true and, with `mode`, WSL run in it.

    `restart` asks for the restart of WSL even if nothing needs it, `update` (`stable`, `pre`) for one in
    which WSL is updated.

    Raises:
        PlanRefused: a resource cannot be made true, or a machine it stands on was not seen.
    """
    persistent = _changes(snapshot, [one for one in resources if not one.volatile])
    volatile = _changes(snapshot, [one for one in resources if one.volatile])
    restart = (
        restart
        or update is not None
        or any(change.risk is Risk.RESTARTS_LAYER for change in persistent)
        or (mode is not None and snapshot.mode != mode)
    )
    touched = [name for name in sorted({one.machine for one in resources}) if name in snapshot.facts]
    prints = {name: fingerprint(snapshot.facts[name]) for name in touched}
    facts = {name: fact_prints(snapshot.facts[name]) for name in touched}
    if not restart:
        only: tuple[Stage, ...] = (Stage(1, "no restart needed"),) if persistent or volatile else ()
        return Plan(
            only, _ordered(snapshot, [*persistent, *volatile]), prints, notes=tuple(notes), facts=facts
        )
    barrier = _barrier(snapshot, mode, update)
    volatile = [*volatile, *_lost(snapshot, resources, volatile)]
    stages = (
        Stage(1, "what a restart of WSL keeps: files and Windows' own state"),
        Stage(2, "what is put in place after WSL came up again", barrier=True, forecast=True),
    )
    later = [replace(change, stage=2) for change in _ordered(snapshot, volatile)]
    changes = (*_ordered(snapshot, persistent), barrier, *later)
    return Plan(stages, changes, prints, notes=tuple(notes), facts=facts)


def _changes(snapshot: Snapshot, resources: Iterable[Resource]) -> list[Change]:
    """What makes them true, each change once: two parts of a wish may declare the same route or rule."""
    found: dict[str, Change] = {}
    for one in resources:
        for change in _diff(snapshot, one):
            found.setdefault(change.id, change)
    return list(found.values())


def _diff(snapshot: Snapshot, resource: Resource) -> tuple[Change, ...]:
    facts = snapshot.facts.get(resource.machine)
    if facts is None:
        unseen = snapshot.unseen.get(resource.machine)
        reason = unseen.reason if unseen is not None else "not gathered"
        raise PlanRefused(f"{resource.machine} was not seen: {reason}", machine=resource.machine)
    return resource.diff(facts)


def _lost(snapshot: Snapshot, resources: Iterable[Resource], pending: Sequence[Change]) -> list[Change]:
    """Volatile resources that are true now and that the restart will lose: put back behind it."""
    have = {(change.machine, change.resource) for change in pending}
    inventory = snapshot.inventory
    wsl = inventory.wsl
    lost: list[Change] = []
    for one in resources:
        below = wsl is not None and (one.machine == wsl.name or inventory.is_below(one.machine, wsl.name))
        below = below and not inventory.keeps_memory(one.machine)
        # That something is kept lies on the disk: the restart loses nothing of it.
        below = below and not one.name.startswith(KEPT)
        follows = isinstance(one, PortProxyRule | UdpRelay) and one.present
        if one.volatile and (below or follows) and (one.machine, one.name) not in have:
            lost.append(
                Change(
                    machine=one.machine,
                    resource=one.name,
                    action=Action.ADD,
                    before="leads to WSL as it is" if follows else "true now, lost by the restart",
                    after=one.name,
                    why="follows WSL's address" if follows else "put back after the restart",
                    do=Op(FORECAST_VERB),
                    undo=None,
                    rows=one.rows,
                )
            )
    return lost


def _barrier(snapshot: Snapshot, mode: str | None, update: str | None) -> Change:
    windows = snapshot.inventory.windows
    if windows is None:
        raise PlanRefused("a restart of WSL is needed and the inventory has no Windows host")
    wanted = mode or snapshot.mode
    return Change(
        machine=windows.name,
        resource="WSL",
        action=Action.RESTART,
        before=f"mode {snapshot.mode or 'not running'}",
        after=f"mode {wanted}" + (f", WSL updated first ({_UPDATES[update]})" if update is not None else ""),
        why=".wslconfig is read only when WSL starts",
        do=Op(RESTART_VERB, {"mode": wanted} if update is None else {"mode": wanted, "update": update}),
        undo=Op(RESTART_VERB, {"mode": snapshot.mode}),
        risk=Risk.RESTARTS_LAYER,
        rows=("S3-42",) if update is None else ("S3-42", "S3-07"),
        stage=2,
    )


def _ordered(snapshot: Snapshot, changes: Sequence[Change]) -> tuple[Change, ...]:
    """Leaf first, what cuts links last; otherwise in the order given."""
    inventory = snapshot.inventory
    return tuple(
        sorted(changes, key=lambda change: (-inventory.depth(change.machine), change.risk is Risk.CUTS_LINK))
    )
