"""`wslnet boot install` and `remove`: the two scheduled tasks, and what Linux machines start, as one plan.

Installing registers and reads back; nothing of the network changes. What the tasks do is `app.boot_run`, what
the Linux machines do `wslnet_linux_agent.resident`.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from wslnet.app.boot_linux import let_begin, linux_machines, persistent_part
from wslnet.app.boot_wish import boot_data
from wslnet.app.setup import needs_of
from wslnet.app.unguarded import UnguardedPlan, nothing
from wslnet.engine.gather import gather
from wslnet.engine.planner import make_plan
from wslnet.errors import InputError, Unsupported, WslnetError
from wslnet.model.change import Op
from wslnet.profiles.boot import WSL, network_task, startup_script, wsl_task
from wslnet.profiles.firewall import expiries
from wslnet.profiles.persistence import NEEDS, without_persisters
from wslnet.resources.boot_data import BootDataFile
from wslnet.resources.scheduled_task import ScheduledTask

if TYPE_CHECKING:
    from collections.abc import Callable

    from wslnet.engine.fleet import Fleet
    from wslnet.model.change import Resource
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


def prepare_install(
    fleet: Fleet, say: Callable[[str, str], None], *, before_logon: bool, by_policy: bool = False
) -> UnguardedPlan:
    """Reads the machines, refuses what would not be safe, and makes the plan. Changes nothing.

    Args:
        fleet: Its machines.
        say: Takes (machine, text).
        before_logon: WSL starts at boot, not at its owner's logon.
        by_policy: The Group Policy's start-up script starts SYSTEM's half, not a trigger of its task.

    Raises:
        InputError: no Windows or WSL in the inventory, no mode known, or wslnet is not installed for SYSTEM.
        Unsupported: somebody else could change what SYSTEM would run, or this Windows has no Group Policy.
    """
    inventory = fleet.inventory
    windows = inventory.windows
    if windows is None or inventory.wsl is None:
        raise InputError(f"{inventory.path}: boot needs a windows and a wsl machine")
    say("all", "reading the machines")
    needs = dict(needs_of(inventory))
    needs[windows.name] |= BOOT_FACTS | {"os"}
    needs |= {name: needs[name] | NEEDS for name in linux_machines(inventory)}
    snapshot = gather(fleet, needs)
    boot = _boot_of(snapshot)
    _refuse_unsafe(boot, windows.name)
    if by_policy:
        _refuse_home(snapshot, windows.name)
    data, ends = boot_data(snapshot), expiries(snapshot, datetime.now(UTC))
    why = "what a start of Windows puts back"
    resources: tuple[Resource, ...] = (
        BootDataFile(windows.name, data.to_bytes(), boot.sid, why),
        ScheduledTask(
            windows.name,
            network_task(boot.sid, ends, at_boot=not by_policy),
            "SYSTEM puts the network half back",
        ),
        startup_script(windows.name, present=by_policy),
        ScheduledTask(
            windows.name,
            wsl_task(boot.sid, before_logon=before_logon),
            "the owner starts and holds WSL, brings its VMs and routes back",
        ),
        *(one for name in linux_machines(inventory) for one in persistent_part(snapshot, name)),
    )
    for name in snapshot.unseen:
        say(name, f"not seen, nothing is installed there: {snapshot.unseen[name].reason}")
    plan = make_plan(snapshot, resources)
    return UnguardedPlan(
        fleet,
        snapshot,
        resources,
        plan,
        folder=JOURNAL,
        test=partial(_check_batch_right, fleet) if before_logon else nothing,
        after=partial(let_begin, fleet, plan),
        moving=True,
    )


def prepare_remove(fleet: Fleet) -> UnguardedPlan:
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
        startup_script(windows.name, present=False),
        ScheduledTask(windows.name, network_task(sid), "asked for", present=False),
        BootDataFile(windows.name, None, _TO_NOBODY, "asked for"),
        *(one for name in linux_machines(fleet.inventory) for one in without_persisters(snapshot, name)),
    )
    notes = [
        f"{name} was not seen ({unseen.reason}): what boot install left there stays until this is run again"
        for name, unseen in snapshot.unseen.items()
    ]
    plan = make_plan(snapshot, resources, notes=notes)
    return UnguardedPlan(
        fleet, snapshot, resources, plan, folder=JOURNAL, after=partial(let_begin, fleet, plan), moving=True
    )


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


def _refuse_home(snapshot: Snapshot, machine: str) -> None:
    system = snapshot.windows.os if snapshot.windows is not None else None
    if system is not None and system.is_home:
        raise Unsupported(
            f"{machine}: Windows Home ({system.edition}) has no local Group Policy to start it",
            machine=machine,
            hint="wslnet boot install, without --backend gpo: the scheduled tasks do the same",
        )


def _check_batch_right(fleet: Fleet) -> None:
    """Start the S4U task once: without the right, registering succeeds and the task never runs.

    Raises:
        Unsupported: the owner may not log on as a batch job, so it would never start (windows-facts 11).
        WslnetError: it does not start for another reason.
    """
    windows = fleet.inventory.windows
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
