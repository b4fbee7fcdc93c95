"""`wslnet boot run`: what the two tasks do at a start of Windows, on Windows itself, by the usual plans.

Each half puts back only what is missing, says what it did, and leaves what it cannot see to the next start.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from wslnet.app.boot import JOURNAL, setup_options
from wslnet.engine.apply import Progress, apply_changes
from wslnet.engine.gather import gather
from wslnet.engine.journal import Journal, new_run_id
from wslnet.engine.lock import only_run
from wslnet.engine.planner import make_plan
from wslnet.engine.restart import DOMAIN_TIMEOUT_S, START_TIMEOUT_S, await_agent
from wslnet.errors import AgentError, InputError, Unsupported, WslnetError
from wslnet.model.boot_data import BootData, read_boot_data
from wslnet.model.change import Op
from wslnet.profiles.boot import NETWORK
from wslnet.profiles.nested import NEEDS as LINUX_NEEDS
from wslnet.profiles.table import profile_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from wslnet.engine.fleet import Fleet
    from wslnet.model.change import Resource
    from wslnet.model.machine import Machine
    from wslnet.model.snapshot import Snapshot

ADAPTERS_WITHIN_S = 60.0
"""How long SYSTEM's half waits for WSL's adapters, which its first start makes."""

_NETWORK_NEEDS = frozenset(
    {"os", "adapters", "interfaces", "addresses", "routes", "profiles", "hyperv_firewall"}
)
_WSL_NEEDS = frozenset({"adapters", "interfaces", "addresses", "routes", "wsl"})
_OTHER_RUN_WITHIN_S = 300.0
_LOOKS = 3
_POLL_S = 1.0
_HOLD_S = 3600
_HOLD_MARGIN_S = 120.0
_KEPT_JOURNALS = 20


def data_path() -> Path:
    """Where the tasks' data lies.

    Raises:
        Unsupported: this is no Windows.
    """
    folder = os.environ.get("PROGRAMDATA")
    if folder is None:
        raise Unsupported("boot run is what the scheduled tasks of Windows call; here is no Windows")
    return Path(folder) / "wslnet" / "boot.json"


def load_data() -> BootData:
    """What `boot install` wrote down.

    Raises:
        InputError: it is not there or cannot be read.
    """
    path = data_path()
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}", hint="run `wslnet boot install`") from error
    return read_boot_data(path, content)


def put_network_back(data: BootData, fleet: Fleet, say: Callable[[str, str], None]) -> int:
    """SYSTEM's half: waits for the switches, switches their forwarding on, checks the firewall's rules.

    Looks again at its end, because an adapter may come while it works.

    Returns:
        How many changes were made.

    Raises:
        Unsupported: somebody else could change the data that it reads.
        WslnetError: something could not be put back.
    """
    windows = _windows(data)
    deadline = time.monotonic() + ADAPTERS_WITHIN_S
    snapshot = _see(fleet, windows.name, _NETWORK_NEEDS | {"boot"})
    _refuse_open_data(snapshot)
    while (missing := _missing(snapshot, data)) and time.monotonic() < deadline:
        say(windows.name, f"waiting for {', '.join(missing)}")
        time.sleep(_POLL_S)
        snapshot = _see(fleet, windows.name, _NETWORK_NEEDS)
    made = 0
    for _ in range(_LOOKS):
        changes = _apply(fleet, data_path().parent, snapshot, _network_half(snapshot, data), say)
        made += changes
        snapshot = _see(fleet, windows.name, _NETWORK_NEEDS)
        if not changes:
            break
    say(windows.name, f"network half: {made} changes")
    return made


def put_wsl_back(data: BootData, fleet: Fleet, say: Callable[[str, str], None]) -> int:
    """The owner's half: starts WSL, its VMs, and puts routes and rules in them back.

    Returns:
        How many changes were made.

    Raises:
        WslnetError: WSL or a VM does not come up, or something could not be put back.
    """
    windows, wsl = _windows(data), _wsl(data)
    say(windows.name, "starting WSL")
    _must(fleet, windows.name, Op("wsl.start", {"distro": wsl.distro, "hold_s": _HOLD_S}), START_TIMEOUT_S)
    await_agent(fleet, wsl.name, frozenset({"identity", "wsl"}))
    with only_run(data.inventory.state, wait_s=_OTHER_RUN_WITHIN_S):
        for one in data.domains:
            say(one.host, f"starting {one.name}")
            op = Op("domain.start", {"name": one.name, "timeout_s": DOMAIN_TIMEOUT_S})
            _must(fleet, one.host, op, DOMAIN_TIMEOUT_S + 15.0)
            if one.name in data.inventory.machines:
                await_agent(fleet, one.name, frozenset({"identity"}))
        needs = {one.name: LINUX_NEEDS for one in (wsl, *data.inventory.descendants(wsl.name))}
        snapshot = gather(fleet, needs | {windows.name: _WSL_NEEDS})
        resources = [
            one
            for one in profile_of(data.mode).behind(snapshot)
            if one.machine != windows.name and one.machine in snapshot.facts
        ]
        made = _apply(fleet, data.inventory.state / JOURNAL, snapshot, resources, say)
    for name, unseen in snapshot.unseen.items():
        say(name, f"not seen, nothing put back in it: {unseen.reason}")
    say(wsl.name, f"WSL half: {made} changes")
    return made


def start_network_half(data: BootData, fleet: Fleet) -> None:
    """Starts SYSTEM's task on demand: the adapters are there now.

    Raises:
        AgentError: Windows refuses.
    """
    _must(fleet, _windows(data).name, Op("task.start", {"name": NETWORK}), START_TIMEOUT_S)


def hold_wsl(data: BootData, fleet: Fleet, say: Callable[[str, str], None]) -> None:
    """Keeps WSL up for as long as it runs; returns when it was shut down and runs again.

    It never starts what somebody shut down: it waits until WSL runs again (P-43).
    """
    windows, wsl = _windows(data), _wsl(data)
    early = False
    while not early and _runs(fleet, windows.name, wsl):
        op = Op("wsl.hold", {"distro": wsl.distro, "seconds": _HOLD_S})
        held = _must(fleet, windows.name, op, _HOLD_S + _HOLD_MARGIN_S)
        early = isinstance(held, dict) and bool(held.get("ended_early"))
    say(windows.name, "WSL was shut down; waiting until it runs again")
    while not _runs(fleet, windows.name, wsl):
        time.sleep(_POLL_S * 2)


def _network_half(snapshot: Snapshot, data: BootData) -> list[Resource]:
    """What SYSTEM may and must put back: nothing of the owner's files, nothing that is only forecast."""
    resources = profile_of(data.mode).resources(snapshot, setup_options(data.options))
    windows = _windows(data).name
    mine = [one for one in resources if one.machine == windows and "wslconfig" not in one.needs]
    return [one for one in mine if getattr(one, "index", 0) is not None]


def _apply(
    fleet: Fleet,
    folder: Path,
    snapshot: Snapshot,
    resources: Sequence[Resource],
    say: Callable[[str, str], None],
) -> int:
    plan = make_plan(snapshot, resources)
    if not plan.changes:
        return 0
    _prune(folder)
    with Journal(folder, new_run_id()) as journal:
        journal.open_run(plan, ())
        try:
            apply_changes(Progress(fleet, journal, say), plan.changes, resources)
        except WslnetError as error:
            journal.write("failed", reason=error.message)
            raise
        journal.write("committed")
    return len(plan.changes)


def _prune(folder: Path) -> None:
    """Keep the newest journals only: one comes with every start of Windows."""
    for old in sorted(folder.glob("*.jsonl"))[: -_KEPT_JOURNALS + 1]:
        old.unlink(missing_ok=True)


def _missing(snapshot: Snapshot, data: BootData) -> list[str]:
    interfaces = snapshot.windows.interfaces if snapshot.windows is not None else None
    there = {one.alias for one in interfaces or () if one.connected}
    return [alias for alias in data.switches if alias not in there]


def _refuse_open_data(snapshot: Snapshot) -> None:
    boot = snapshot.windows.boot if snapshot.windows is not None else None
    if boot is None or boot.data.strangers:
        others = "; ".join(boot.data.strangers) if boot is not None else "unknown"
        raise Unsupported(f"refused: others than administrators could change what SYSTEM reads: {others}")


def _see(fleet: Fleet, machine: str, needs: frozenset[str]) -> Snapshot:
    snapshot = gather(fleet, {machine: needs})
    if machine in snapshot.unseen:
        raise snapshot.unseen[machine].error(machine)
    return snapshot


def _runs(fleet: Fleet, windows: str, wsl: Machine) -> bool:
    facts = _see(fleet, windows, frozenset({"wsl"})).windows
    distros = facts.wsl.distros if facts is not None and facts.wsl is not None else ()
    return any(one.name == wsl.distro and one.state == "Running" for one in distros)


def _windows(data: BootData) -> Machine:
    if data.inventory.windows is None:
        raise InputError(f"{data.inventory.path}: no machine of kind windows")
    return data.inventory.windows


def _wsl(data: BootData) -> Machine:
    if data.inventory.wsl is None:
        raise InputError(f"{data.inventory.path}: no machine of kind wsl")
    return data.inventory.wsl


def _must(fleet: Fleet, machine: str, op: Op, deadline_s: float) -> object:
    (result,) = fleet.execute(machine, [op], deadline_s=deadline_s)
    if not result.ok:
        raise AgentError(f"{machine}: {op.verb}: {result.message}", machine=machine, op_code=result.code)
    return result.value
