"""`wslnet doctor --fix`: what the fixes of findings declare, as one plan that is run like every other change.

A fix that declares nothing is told with its command and left to the user. One that needs WSL to start anew
brings it up in the mode that `.wslconfig` asks for, with all that a start needs behind it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from wslnet.app.after_reboot import MENDS
from wslnet.app.boot_wish import last_profile, resources_of_mode
from wslnet.app.setup import Prepared, behind_of, needs_of, wish_for
from wslnet.app.status import configured_mode
from wslnet.checks.parts.wslconfig import MODE_KEY
from wslnet.engine.doctor import doctor_needs, examine
from wslnet.engine.forecast import with_forecast
from wslnet.engine.gather import gather
from wslnet.engine.planner import make_plan
from wslnet.errors import InputError
from wslnet.model.change import Action
from wslnet.model.finding import Status
from wslnet.model.machine import Kind
from wslnet.profiles.modes import SetupOptions
from wslnet.profiles.persistence import with_kept
from wslnet.profiles.table import PROFILES
from wslnet.resources.wslconfig_keys import WslConfigKeys

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from wslnet.engine.fleet import Fleet
    from wslnet.model.change import Change, Resource
    from wslnet.model.finding import Finding
    from wslnet.model.machine import Inventory
    from wslnet.model.snapshot import Needs, Snapshot

_WRONG = frozenset({Status.WARN, Status.FAIL})
_LINUX_NEEDS = frozenset({"identity", "owned"})
_DEFAULT_MODE = "nat"


def prepare_fix(
    fleet: Fleet,
    inventory: Inventory,
    say: Callable[[str, str], None],
    *,
    only: Iterable[str] = (),
    machine: str | None = None,
) -> Prepared:
    """Reads, judges by `inventory` and its wish, and plans; `fleet` measures what worked before and no wish.

    Raises:
        InputError: `only` names a code that no check has; WSL is to start in a mode that wslnet cannot check.
    """
    codes = tuple(only)
    needs = {
        name: wanted | (_LINUX_NEEDS if inventory[name].kind in {Kind.WSL, Kind.VM} else frozenset())
        for name, wanted in doctor_needs(inventory, only=codes).items()
    }
    snapshot = gather(fleet, needs, say=say)
    findings = [
        one
        for one in examine(replace(snapshot, inventory=inventory), only=codes)
        if one.status in _WRONG and machine in {None, one.machine}
    ]
    declared = {(one.machine, one.name): one for one in _resources(findings)}
    resources = with_kept(snapshot, declared.values())
    notes = tuple(_left(findings))
    failing = {one.code for one in findings if one.status is Status.FAIL}
    # What another failure explains is mended with that, and a start alone would be in vain.
    restart = any(
        one.fix.restarts
        for one in findings
        if one.fix is not None and not failing.intersection(one.depends_on)
    )
    plan = make_plan(snapshot, resources, notes=notes, restart=restart)
    if not any(_starts_anew(one) for one in plan.changes):
        return Prepared(fleet, SetupOptions(), snapshot, resources, plan, lambda _: resources)
    all_needs = _both(needs, needs_of(fleet.inventory))
    if fleet.inventory.windows is not None:
        all_needs = _both(all_needs, {fleet.inventory.windows.name: frozenset({"boot"})})
    whole = gather(fleet, all_needs, say=say)
    return _with_restart(fleet, inventory, whole, resources, notes)


def _with_restart(
    fleet: Fleet,
    inventory: Inventory,
    snapshot: Snapshot,
    declared: tuple[Resource, ...],
    notes: tuple[str, ...],
) -> Prepared:
    """The same with a restart of WSL into the mode that it is to have, and what a start needs behind it."""
    mode = _mode_to_have(snapshot, declared)
    wished = wish_for(inventory, mode, SetupOptions())
    find = behind_of(mode, snapshot.mode)

    def behind(seen: Snapshot) -> tuple[Resource, ...]:
        found = (*declared, *find(replace(seen, inventory=wished)))
        return tuple({(one.machine, one.name): one for one in found}.values())

    wanted = (*resources_of_mode(snapshot, mode), *behind(snapshot))
    resources = tuple(one for one in wanted if one.machine not in snapshot.unseen)
    plan = make_plan(snapshot, resources, mode=mode, notes=notes, restart=True)
    # What its last setup asked for in this mode is still what the starts of Windows put back.
    last = last_profile(inventory.state)
    options = last.get("options", {}) if last.get("mode") == mode else {}
    plan = replace(plan, profile={"mode": mode, "options": options, MENDS: True})
    plan = with_forecast(fleet, snapshot, plan)
    return Prepared(fleet, SetupOptions(), snapshot, resources, plan, behind)


def _mode_to_have(snapshot: Snapshot, declared: Iterable[Resource]) -> str:
    told = (one.values.get(MODE_KEY) for one in declared if isinstance(one, WslConfigKeys))
    mode = next((one for one in told if one is not None), None)
    mode = mode or configured_mode(snapshot) or _DEFAULT_MODE
    if mode not in PROFILES:
        raise InputError(
            f"WSL is to run in {mode} mode, which this cannot bring up: wslnet setup, then again"
        )
    return mode


def _starts_anew(change: Change) -> bool:
    return change.action is Action.RESTART or change.at_boot


def _both(one: Needs, other: Needs) -> Needs:
    return {
        name: one.get(name, frozenset()) | other.get(name, frozenset()) for name in one.keys() | other.keys()
    }


def _resources(findings: Iterable[Finding]) -> Iterator[Resource]:
    for one in findings:
        yield from one.fix.resources if one.fix is not None else ()


def _left(findings: Iterable[Finding]) -> Iterator[str]:
    for one in findings:
        if one.fix is not None and not (one.fix.resources or one.fix.restarts):
            yield f"not mended by this: {one.machine}: {one.title}: {one.fix.command}"
