"""`wslnet docker check` and `fix`: containers of WSL under mirrored mode, by rules and engine version."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from wslnet.app.setup import Prepared
from wslnet.engine.gather import gather
from wslnet.engine.planner import make_plan
from wslnet.errors import InputError, PlanRefused
from wslnet.profiles.containers import (
    DRAWBACKS,
    Case,
    against_userland,
    judge,
    rules_for,
    userland_values,
)
from wslnet.profiles.modes import SetupOptions
from wslnet.profiles.persistence import with_kept
from wslnet.resources.daemon_json import DaemonJson

if TYPE_CHECKING:
    from collections.abc import Callable

    from wslnet.engine.fleet import Fleet
    from wslnet.model.change import Resource
    from wslnet.model.linux_facts import LinuxFacts
    from wslnet.model.machine import Inventory
    from wslnet.model.snapshot import Snapshot
    from wslnet.profiles.containers import Verdict

_NEEDS = frozenset({"engines", "firewall", "owned", "wsl"})
_CUT = frozenset({"containers"})
_READS_AT_START = "docker reads daemon.json when it starts"
USERLAND = "userland"
"""The mode of `fix` that writes daemon.json; in the others rules help, by the case."""


def inventory_for(loaded: Inventory) -> Inventory:
    """The inventory with nothing wished beside: what is measured is what worked before."""
    return replace(loaded, wish=replace(loaded.wish, reach=(), allow=(), forward=()))


def look(
    fleet: Fleet, say: Callable[[str, str], None], more: frozenset[str] = frozenset()
) -> tuple[Snapshot, tuple[Verdict, ...]]:
    """What is there (and the facts `more`), and a verdict for each engine.

    Raises:
        InputError: the inventory has no WSL.
        Unreachable: WSL cannot be seen.
    """
    wsl = fleet.inventory.wsl
    if wsl is None:
        raise InputError(f"{fleet.inventory.path}: docker needs a wsl machine")
    snapshot = gather(fleet, {wsl.name: _NEEDS | more}, say=say)
    facts = snapshot.linux(wsl.name)
    if facts is None:
        raise snapshot.unseen[wsl.name].error(wsl.name)
    return snapshot, judge(facts)


def prepare_fix(
    fleet: Fleet, mode: str, say: Callable[[str, str], None], *, restart: bool = True
) -> Prepared:
    """The plan that helps in the case that is so; none where nothing is wrong.

    `restart`: docker is restarted with changed settings, else the user has to.

    Raises:
        PlanRefused: WSL does not run in mirrored mode, or no rule helps: says what does.
    """
    snapshot, verdicts = look(fleet, say, _CUT if mode == USERLAND and restart else frozenset())
    wsl = fleet.inventory.wsl
    if snapshot.mode != "mirrored" or wsl is None:
        raise PlanRefused(
            f"WSL runs in mode {snapshot.mode}: there containers answer to localhost of Windows"
        )
    resources: tuple[Resource, ...]
    notes: tuple[str, ...] = ()
    if mode == USERLAND:
        why = "docker publishes by its userland proxy alone, with these drawbacks: " + "; ".join(DRAWBACKS)
        resources = (DaemonJson(wsl.name, userland_values(), why, restart=restart),)
        facts = snapshot.linux(wsl.name)
        against = against_userland(facts) if facts is not None else ()
        notes = (
            *(f"advised against: {text}; see `wslnet docker fix --mode dnat`" for text in against),
            _cut(facts) if restart else f"{_READS_AT_START}: restart it, which restarts its containers",
        )
    else:
        for one in verdicts:
            if one.case in {Case.UNHANDLED, Case.LATE} and not one.fixable:
                raise PlanRefused(f"{wsl.name}: {one.engine} {one.version}: {one.advice}", machine=wsl.name)
        found = {rule.name: rule for one in verdicts for rule in rules_for(wsl.name, one)}
        resources = with_kept(snapshot, found.values())
        notes = tuple(f"{one.engine} {one.version}: {one.case}: {one.advice}" for one in verdicts)
    plan = make_plan(snapshot, resources, notes=notes)
    return Prepared(fleet, SetupOptions(), snapshot, resources, plan, lambda _: ())


def verdict_lines(fleet: Fleet) -> tuple[str, ...]:
    """What is so now, engine by engine, in words: measured again after a change.

    Raises:
        Unreachable: WSL cannot be seen.
    """
    _, verdicts = look(fleet, lambda _, __: None)
    return tuple(f"{one.engine} {one.version}: {one.case}: {one.advice}" for one in verdicts)


def _cut(facts: LinuxFacts | None) -> str:
    names = [one.name for one in (facts.containers if facts is not None else None) or ()]
    cut = f", which stops for that time: {', '.join(names)}" if names else ""
    return f"{_READS_AT_START}: it is restarted{cut}"
