"""`wslnet boot install` and `remove`: the two scheduled tasks and what they read, as one plan.

Installing registers and reads back; nothing of the network changes. What the tasks do is `app.boot_run`.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from wslnet.app.result import Result, RunResult
from wslnet.app.setup import needs_of
from wslnet.engine.apply import Progress, apply_changes, roll_back
from wslnet.engine.gather import gather
from wslnet.engine.journal import Journal, new_run_id
from wslnet.engine.lock import only_run
from wslnet.engine.planner import make_plan
from wslnet.engine.restart import running_vms
from wslnet.engine.run_log import End, read_runs
from wslnet.errors import InputError, NeedsElevation, RollbackIncomplete, Unsupported, WslnetError
from wslnet.model.boot_data import BootData, Domain, as_seen_from_windows
from wslnet.model.change import Op
from wslnet.model.machine import Kind
from wslnet.profiles.boot import WSL, network_task, wsl_task
from wslnet.profiles.modes import SetupOptions
from wslnet.profiles.table import PROFILES, profile_of
from wslnet.resources.boot_data import BootDataFile
from wslnet.resources.interface_forwarding import InterfaceForwarding
from wslnet.resources.scheduled_task import ScheduledTask

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from wslnet.engine.fleet import Fleet
    from wslnet.model.change import Resource
    from wslnet.model.plan import Plan
    from wslnet.model.snapshot import Snapshot
    from wslnet.model.windows_facts import Boot

JOURNAL = "boot"
"""Folder of the journals of boot runs: `wslnet undo` takes back what setup did, never these."""

BOOT_FACTS = frozenset({"boot", "elevated"})
_START_DEADLINE_S = 30.0
_HAS_NOT_RUN = 0x41303
_RUNNING = 0x41301
_LOGON_TYPE_NOT_GRANTED = 0x80070569
_POLL_S = 0.5
_TO_NOBODY = "S-1-5-18"


@dataclass(frozen=True)
class PreparedBoot:
    """What `install` or `remove` would do."""

    fleet: Fleet
    resources: tuple[Resource, ...]
    plan: Plan
    before_logon: bool = False


def prepare_install(fleet: Fleet, say: Callable[[str, str], None], *, before_logon: bool) -> PreparedBoot:
    """Reads the machines, refuses what would not be safe, and makes the plan. Changes nothing.

    Raises:
        InputError: no Windows or WSL in the inventory, no mode known, or wslnet is not installed for SYSTEM.
        Unsupported: somebody else could change what SYSTEM would run.
        NeedsElevation: the session has no administrator's rights.
    """
    inventory = fleet.inventory
    windows = inventory.windows
    if windows is None or inventory.wsl is None:
        raise InputError(f"{inventory.path}: boot needs a windows and a wsl machine")
    say("all", "reading the machines")
    needs = dict(needs_of(inventory))
    needs[windows.name] |= BOOT_FACTS
    snapshot = gather(fleet, needs)
    boot = _boot_of(snapshot)
    _refuse_unsafe(boot, windows.name)
    data = boot_data(snapshot)
    why = "what a start of Windows puts back"
    resources: tuple[Resource, ...] = (
        BootDataFile(windows.name, data.to_bytes(), boot.sid, why),
        ScheduledTask(windows.name, network_task(boot.sid), "SYSTEM puts the network half back"),
        ScheduledTask(
            windows.name,
            wsl_task(boot.sid, before_logon=before_logon),
            "the owner starts and holds WSL, brings its VMs and routes back",
        ),
    )
    return PreparedBoot(fleet, resources, make_plan(snapshot, resources), before_logon)


def prepare_remove(fleet: Fleet) -> PreparedBoot:
    """The plan that removes the tasks and their data.

    Raises:
        InputError: no Windows in the inventory.
        NeedsElevation: the session has no administrator's rights, and something is there.
    """
    windows = fleet.inventory.windows
    if windows is None:
        raise InputError(f"{fleet.inventory.path}: boot needs a windows machine")
    snapshot = gather(fleet, {windows.name: BOOT_FACTS})
    sid = _boot_of(snapshot).sid
    resources: tuple[Resource, ...] = (
        ScheduledTask(windows.name, wsl_task(sid, before_logon=False), "asked for", present=False),
        ScheduledTask(windows.name, network_task(sid), "asked for", present=False),
        BootDataFile(windows.name, None, _TO_NOBODY, "asked for"),
    )
    return PreparedBoot(fleet, resources, make_plan(snapshot, resources))


def run_boot(prepared: PreparedBoot, say: Callable[[str, str], None]) -> RunResult:
    """Carries the plan out and reads back; takes everything back when one part fails.

    Never raises for a failed change: the result says what failed and what is left.

    Raises:
        PlanRefused: another run is at work.
    """
    began = time.monotonic()
    fleet, plan = prepared.fleet, prepared.plan
    if not plan.changes:
        return RunResult(None, Result.UNCHANGED, seconds=time.monotonic() - began)
    state = fleet.inventory.state
    with only_run(state), Journal(state / JOURNAL, new_run_id()) as journal:
        run = Progress(fleet, journal, say)
        journal.open_run(plan, ())
        outcome = RunResult(journal.run, Result.COMMITTED, plan.changes, run.outcomes)
        try:
            apply_changes(run, plan.changes, prepared.resources)
            if prepared.before_logon:
                _check_batch_right(prepared)
            journal.write("committed")
        except WslnetError as error:
            outcome = _taken_back(run, replace(outcome, reason=error.message))
    return replace(outcome, seconds=time.monotonic() - began)


def _taken_back(run: Progress, outcome: RunResult) -> RunResult:
    run.journal.write("failed", reason=outcome.reason)
    try:
        roll_back(run)
    except RollbackIncomplete as error:
        return replace(outcome, result=Result.FAILED, left=error.left, exit_code=error.exit_code)
    run.journal.write("rolled-back")
    return replace(outcome, result=Result.ROLLED_BACK, exit_code=12)


def boot_data(snapshot: Snapshot) -> BootData:
    """What is to be put back, as it is wished and as it runs now.

    The options are those of the newest committed setup; without one the inventory's wish.

    Raises:
        InputError: nobody said in which mode WSL is to run, and it does not run.
    """
    inventory = snapshot.inventory
    profile = _last_profile(snapshot)
    mode = str(profile.get("mode") or inventory.wish.mode or snapshot.mode or "")
    if mode not in PROFILES:
        raise InputError(
            f"{inventory.path}: no mode to put back ({mode or 'none'}): run `wslnet setup` first, or write "
            f"it under [wish]; there is {', '.join(PROFILES)}"
        )
    options = profile.get("options") or {"allow": [str(allow) for allow in inventory.wish.allow]}
    domains = [Domain(vm.host, vm.domain) for vm in running_vms(snapshot)]
    if not domains:
        vms = sorted(inventory.of_kind(Kind.VM), key=lambda vm: inventory.depth(vm.name))
        domains = [Domain(vm.parent or "", vm.name) for vm in vms if inventory[vm.parent or ""].is_linux]
    volatile = profile_of(mode).behind(snapshot)
    switches = [one.alias for one in volatile if isinstance(one, InterfaceForwarding)]
    return BootData(
        inventory=as_seen_from_windows(inventory),
        mode=mode,
        options=options if isinstance(options, dict) else {},
        domains=tuple(domains),
        switches=tuple(dict.fromkeys(switches)),
    )


def setup_options(options: Mapping[str, object]) -> SetupOptions:
    """Options of a setup as its plan and the boot data carry them.

    Raises:
        InputError: an allow of theirs cannot be read.
    """
    from wslnet.model.allow import parse_allow  # noqa: PLC0415 - one caller in two modules

    allow = options.get("allow")
    texts = allow if isinstance(allow, list) else []
    plain = SetupOptions(tuple(parse_allow(str(text)) for text in texts))
    known = {name: options[name] for name in asdict(plain) if name != "allow" and name in options}
    return replace(plain, **known)  # type: ignore[arg-type]  # written by asdict of the same class


def _last_profile(snapshot: Snapshot) -> Mapping[str, object]:
    runs = read_runs(snapshot.inventory.state)
    last = next((run for run in reversed(runs) if run.ended is End.COMMITTED), None)
    profile = last.plan.get("profile") if last is not None else None
    return profile if isinstance(profile, dict) else {}


def _boot_of(snapshot: Snapshot) -> Boot:
    windows = snapshot.inventory.windows
    name = windows.name if windows is not None else ""
    if name in snapshot.unseen:
        raise snapshot.unseen[name].error(name)
    facts = snapshot.windows
    if facts is None or facts.boot is None:
        raise WslnetError(f"{name}: the scheduled tasks cannot be read", machine=name)
    if facts.elevated is False:
        raise NeedsElevation(
            f"{name}: tasks for SYSTEM need an administrator; nothing was changed",
            machine=name,
            hint="run it in an elevated terminal",
        )
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


def _check_batch_right(prepared: PreparedBoot) -> None:
    """Start the S4U task once: without the right, registering succeeds and the task never runs.

    Raises:
        Unsupported: the owner may not log on as a batch job, so it would never start (windows-facts 11).
        WslnetError: it does not start for another reason.
    """
    fleet, windows = prepared.fleet, prepared.fleet.inventory.windows
    if windows is None:
        return
    fleet.execute(windows.name, [Op("task.start", {"name": WSL})], deadline_s=_START_DEADLINE_S)
    deadline = time.monotonic() + _START_DEADLINE_S
    result = None
    while time.monotonic() < deadline:
        boot = _boot_of(gather(fleet, {windows.name: frozenset({"boot"})}))
        result = next((one.last_result for one in boot.tasks if one.name == WSL), None)
        if result not in {None, _HAS_NOT_RUN}:
            break
        time.sleep(_POLL_S)
    if result == _LOGON_TYPE_NOT_GRANTED:
        raise Unsupported(
            f'{windows.name}: {boot.user} lacks the right "Log on as a batch job", so a task before logon '
            "would never start",
            machine=windows.name,
        )
    if result not in {0, _RUNNING}:
        raise WslnetError(f"{windows.name}: the task before logon does not start ({result})")
