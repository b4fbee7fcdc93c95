"""Whether a run's changes of Windows can be guarded: are the tasks of `boot install` there and whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet.app.boot import BOOT_FACTS
from wslnet.engine.gather import gather
from wslnet.engine.guards import WindowsGuard
from wslnet.engine.guards_windows import can_guard
from wslnet.engine.restart import running_vms
from wslnet.errors import Unsupported
from wslnet.profiles.boot import NETWORK, WSL, standing_network_task, wsl_task
from wslnet.resources.scheduled_task import stands_as

if TYPE_CHECKING:
    from wslnet.app.setup import Prepared
    from wslnet.model.windows_facts import Boot


_OF_TASKS = frozenset({"task.register", "task.unregister"})
"""The guard is the process of such a task (docs/adr/0012)."""


def guard_of_windows(prepared: Prepared, *, demanded: bool) -> WindowsGuard | None:
    """What arms the guard of Windows; None when the plan does not change it, or it has none.

    Raises:
        Unsupported: it is `demanded` and cannot be; nothing was changed.
    """
    inventory = prepared.fleet.inventory
    changes = [one for one in prepared.plan.changes if not inventory[one.machine].is_linux]
    made = [one for one in changes if one.do.verb != "forecast"]
    if not changes:
        return None
    problem = "its boot tasks are not installed"
    if any(one.do.verb in _OF_TASKS for one in made):
        problem = "it changes the task that would take it back"
    elif not can_guard(made):
        problem = "a change of it has no guard that could take it back by itself"
    else:
        windows = changes[0].machine
        facts = gather(prepared.fleet, {windows: BOOT_FACTS}).windows
        if facts is not None and facts.boot is not None and _is_installed(facts.boot):
            return WindowsGuard(demanded, running_vms(prepared.snapshot), prepared.snapshot.mode)
    if demanded:
        raise Unsupported(
            f"--confirm-within: {changes[0].machine}: {changes[0].resource}: {problem}; nothing was changed",
            machine=changes[0].machine,
            hint="wslnet boot install; without --confirm-within the run confirms itself by its probes",
        )
    return None


def _is_installed(boot: Boot) -> bool:
    wanted = {
        NETWORK: [standing_network_task(boot)],
        WSL: [wsl_task(boot.sid, before_logon=before) for before in (False, True)],
    }
    found = {task.name: task for task in boot.tasks}
    whole = all(
        name in found and any(stands_as(task, found[name], boot) for task in tasks)
        for name, tasks in wanted.items()
    )
    return whole and boot.program.exists and boot.data.exists and not boot.program.strangers
