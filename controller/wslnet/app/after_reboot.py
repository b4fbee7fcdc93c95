"""The rest of a setup that waited for a reboot of Windows: restart of WSL, what stands behind it, verify."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from wslnet.app.boot_wish import setup_options
from wslnet.app.proofs import unproven
from wslnet.app.result import Result, RunResult
from wslnet.app.setup import behind_of, needs_of, wish_for
from wslnet.engine.apply import apply_changes, check_forecast
from wslnet.engine.barrier import cross
from wslnet.engine.gather import gather
from wslnet.engine.planner import RESTART_VERB, make_plan
from wslnet.engine.regression import contradictions, verify
from wslnet.engine.run_log import End, RunLog
from wslnet.engine.unseen import demand_seen
from wslnet.errors import NeedsReboot, PlanRefused, WslnetError
from wslnet.model.change import change_from_json
from wslnet.model.fallback import held_by_boot
from wslnet.profiles.table import profile_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from wslnet.engine.apply import Progress
    from wslnet.engine.fleet import Fleet
    from wslnet.model.change import Change, Resource
    from wslnet.model.machine import Inventory

MENDS = "mends"
"""Key of a plan's profile: it mends what doctor found, and the wish is not measured behind it."""

_ATTEMPTS = 6
_DEADLINE_S = 30.0


def wish_of(log: RunLog, inventory: Inventory) -> Inventory:
    """The inventory with the wish of the setup that this run is."""
    mode, options = _asked(log)
    return wish_for(inventory, mode, setup_options(options))


def finish_after_reboot(run: Progress, log: RunLog, outcome: RunResult) -> RunResult:
    """Does what is left of the run and measures it; committing is the caller's part.

    Raises:
        NeedsReboot: Windows has not booted since; nothing was done.
        WslnetError: something failed, or is not as wished; the run must be taken back.
    """
    fleet, inventory = run.fleet, run.fleet.inventory
    mode, _ = _asked(log)
    _demand_booted(run, mode, log.boot_time)
    planned = log.plan.get("changes")
    shown = [change_from_json(one) for one in planned] if isinstance(planned, list) else []
    restart = next(one for one in (*log.changes, *shown) if one.do.verb == RESTART_VERB)
    if restart not in log.changes:
        run.journal.intent(restart)
        run.applied.append(restart)
        outcome = replace(outcome, changes=(*outcome.changes, restart))
    cross(run, mode)
    run.journal.done(restart)
    run.journal.verified(restart)
    run.outcomes[restart.id] = "done"
    snapshot = gather(fleet, needs_of(inventory))
    # A VM that did not run before is its owner's to start, unless something starts it by itself.
    ran = {one.domain for one in run.vms}
    demand_seen(snapshot, (name for name in inventory.machines if name not in ran))
    before = log.baseline.mode if log.baseline is not None else None
    behind = behind_of(mode, before)(snapshot)
    resources = tuple(one for one in behind if one.machine not in snapshot.unseen)
    found = tuple(replace(change, stage=2) for change in make_plan(snapshot, resources).changes)
    check_forecast(
        [*(one for one in shown if one.stage > 1), *_lost_by_boot(inventory, found, resources)], found
    )
    apply_changes(run, found, resources)
    fleet.forget(inventory.machines)
    measured = verify(fleet, snapshot, log.baseline, wished=_is_wished(log), attempts=_ATTEMPTS)
    wrong = contradictions(measured)
    wrong = wrong or unproven(fleet, snapshot, profile_of(mode).proves, needs_of(inventory))
    if wrong is not None:
        raise WslnetError(wrong)
    changes = (*(one for one in outcome.changes if one.id not in {new.id for new in found}), *found)
    return replace(outcome, changes=changes, verify=measured)


def _lost_by_boot(
    inventory: Inventory, found: Iterable[Change], resources: Iterable[Resource]
) -> list[Change]:
    """What Windows forgets at a boot, forwarding above all: it may have been true when the plan was shown."""
    windows = inventory.windows
    volatile = {one.name for one in resources if one.volatile and windows and one.machine == windows.name}
    return [one for one in found if windows and one.machine == windows.name and one.resource in volatile]


def wait_for_boot(run: Progress, outcome: RunResult, why: str) -> RunResult:
    """What stands already stays, and nobody watches over it any more: `wslnet resume` does the rest."""
    if run.guards is not None:
        run.guards.release()
    run.say("all", why)
    run.journal.write(str(End.NEEDS_REBOOT), reason=why, boot_time=_boot_time(run.fleet))
    return replace(outcome, result=Result.PENDING, reason=why, exit_code=NeedsReboot.exit_code)


def waiting_for_boot(changes: Iterable[Change]) -> str | None:
    """Why nothing more can be done in this boot of Windows once these are made; None: nothing waits."""
    waiting = [one.resource for one in changes if one.at_boot]
    if not waiting:
        return None
    return f"{', '.join(waiting)}: Windows takes it when it starts anew: reboot Windows, then wslnet resume"


def _boot_time(fleet: Fleet) -> str | None:
    windows = fleet.inventory.windows
    if windows is None:
        return None
    facts = gather(fleet, {windows.name: frozenset({"boot_time"})}, deadline_s=_DEADLINE_S).windows
    return facts.boot_time if facts is not None else None


def _demand_booted(run: Progress, mode: str, waited_in: str | None) -> None:
    windows = run.fleet.inventory.windows
    if windows is None:
        raise PlanRefused("the inventory has no Windows host any more")
    needs = {windows.name: frozenset({"adapters", "boot_time", "wsl"})}
    snapshot = gather(run.fleet, needs, deadline_s=_DEADLINE_S)
    if windows.name in snapshot.unseen:
        raise snapshot.unseen[windows.name].error(windows.name)
    why = held_by_boot(snapshot.windows, snapshot.mode, mode)
    if waited_in is not None and snapshot.windows is not None and snapshot.windows.boot_time == waited_in:
        why = "Windows has not started anew since: reboot Windows, then wslnet resume"
    if why is not None:
        raise NeedsReboot(why, machine=windows.name)


def _is_wished(log: RunLog) -> bool:
    """Whether the run was to bring all that is wished, as a setup is, and not to mend one thing."""
    profile = log.plan.get("profile")
    return not (isinstance(profile, dict) and profile.get(MENDS))


def _asked(log: RunLog) -> tuple[str, Mapping[str, object]]:
    profile = log.plan.get("profile")
    found = profile if isinstance(profile, dict) else {}
    options = found.get("options")
    return str(found.get("mode")), options if isinstance(options, dict) else {}
