"""`wslnet config set` and `unset` on the machines: one key of one file as a plan, undone like any other.

Without a restart only the file is written, and the plan says when WSL takes it. With one, the restart is part
of the run: a file with which WSL does not come up as asked is taken back, and a start of Windows puts back
what the new mode needs.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from wslnet.app.boot_wish import resources_of_mode
from wslnet.app.config_file import edited
from wslnet.app.config_machine import WSL_CONF_PATH, read_files
from wslnet.app.restart import behind_start, is_kept
from wslnet.app.setup import Prepared, needs_of
from wslnet.engine.forecast import with_forecast
from wslnet.engine.gather import gather
from wslnet.engine.planner import make_plan
from wslnet.engine.unseen import first_unseen
from wslnet.errors import InputError
from wslnet.profiles.modes import SetupOptions
from wslnet.resources.wslconf_key import WslConfKey
from wslnet.resources.wslconfig_keys import WslConfigKeys
from wslnet_win_agent.wslconfig import WSL_CONF, WSLCONFIG
from wslnet_win_agent.wslconfig.lint import coming_mode, lint

if TYPE_CHECKING:
    from collections.abc import Callable

    from wslnet.app.config_file import ConfigFile
    from wslnet.engine.fleet import Fleet
    from wslnet.model.change import Resource
    from wslnet.model.machine import Inventory, Wish
    from wslnet.model.snapshot import Snapshot
    from wslnet_win_agent.wslconfig import Schema

_WHY = "asked for by wslnet config"


def without_wish(inventory: Inventory) -> Inventory:
    """The inventory without a wish: one key promises nothing about who reaches whom."""
    return replace(inventory, wish=replace(inventory.wish, reach=(), allow=(), forward=()))


def prepare_edit(
    fleet: Fleet,
    schema: Schema,
    key: str,
    value: str | None,
    say: Callable[[str, str], None],
    *,
    restart_for: Wish | None = None,
) -> Prepared:
    """Plans the edit of one key (WSL's spelling); `value` None unsets it. Changes nothing.

    `restart_for`: WSL is restarted in the same run, and what stands of this wish is put back behind that.

    Raises:
        InputError: WSL would not take the value, or the file cannot be edited without risk.
        PlanRefused: the file is locked.
        Unreachable: its machine cannot be seen.
    """
    found = read_files(fleet, (schema,))
    file = found.files[0]
    after = replace(file, content=edited(file, key, value))
    resource = _resource(fleet.inventory, schema, key, value, restart=restart_for is not None)
    notes = _notes(after, key, restart=restart_for is not None)
    plan = make_plan(found.snapshot, (resource,), notes=notes)
    if not plan.changes:
        plan = replace(plan, notes=())
    elif restart_for is not None:
        say("all", "reading the machines")
        return _with_restart(fleet, resource, after, notes, restart_for)
    return Prepared(fleet, SetupOptions(), found.snapshot, (resource,), plan, lambda _: (resource,))


def _resource(
    inventory: Inventory, schema: Schema, key: str, value: str | None, *, restart: bool
) -> WslConfigKeys | WslConfKey:
    machine = inventory.windows if schema is WSLCONFIG else inventory.wsl
    if machine is None:
        raise InputError(f"{inventory.path}: no machine that has a {schema.name}")
    if schema is WSL_CONF:
        return WslConfKey(machine.name, key, value, _WHY)
    if value is None:
        return WslConfigKeys(machine.name, {}, _WHY, gone=(key,), restarts=restart)
    return WslConfigKeys(machine.name, {key: value}, _WHY, restarts=restart)


def _notes(after: ConfigFile, key: str, *, restart: bool) -> tuple[str, ...]:
    """When it counts, and what lint has to say of the key as it will stand."""
    when = "its VM" if after.schema is WSLCONFIG else "the distribution"
    place = after.path if after.schema is WSLCONFIG else WSL_CONF_PATH
    late = f"WSL reads {place} when {when} starts: `wslnet restart` does that (or give --restart here)"
    told = [
        f"{key}: {one.message}" + (f"; {one.suggestion}" if one.suggestion else "")
        for one in lint(after.config, after.schema, after.around)
        if one.key == key
    ]
    return (*told, *(() if restart else (late,)))


def _with_restart(
    fleet: Fleet,
    resource: Resource,
    after: ConfigFile,
    notes: tuple[str, ...],
    wish: Wish,
) -> Prepared:
    needs = dict(needs_of(replace(fleet.inventory, wish=wish)))
    needs[resource.machine] |= resource.needs
    windows = fleet.inventory.windows
    if windows is not None:
        needs[windows.name] |= {"boot"}
    snapshot = gather(fleet, needs)
    unseen = first_unseen(snapshot)
    if unseen is not None:
        raise unseen

    def wanted(seen: Snapshot) -> tuple[Resource, ...]:
        return behind_start(replace(seen, inventory=replace(seen.inventory, wish=wish)))

    kept = frozenset((one.machine, one.name) for one in wanted(snapshot) if is_kept(snapshot, one))

    def behind(seen: Snapshot) -> tuple[Resource, ...]:
        return tuple(one for one in wanted(seen) if (one.machine, one.name) in kept)

    mode = coming_mode(after.config, after.around.policies) if after.schema is WSLCONFIG else None
    resources = (resource, *resources_of_mode(snapshot, mode), *behind(snapshot))
    plan = make_plan(snapshot, resources, mode=mode, notes=notes, restart=True)
    return Prepared(fleet, SetupOptions(), snapshot, resources, with_forecast(fleet, snapshot, plan), behind)
