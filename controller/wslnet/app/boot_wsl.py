"""The owner's half of `wslnet boot run`: starts WSL and holds it, brings its VMs, routes and rules back.

As long as it runs, WSL does not stop for idleness (P-43). What somebody shut down it does not start again;
when it runs again, it is put in order and held again.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from wslnet.app.boot import JOURNAL
from wslnet.app.boot_run import must, put_back, see, windows_of
from wslnet.app.host_alias import renewed_alias
from wslnet.engine.gather import gather
from wslnet.engine.lock import only_run
from wslnet.engine.restart import DOMAIN_TIMEOUT_S, START_TIMEOUT_S, await_agent
from wslnet.errors import AgentError, InputError, WslnetError
from wslnet.model.change import Op
from wslnet.profiles.boot import NETWORK
from wslnet.profiles.nested import NEEDS as LINUX_NEEDS
from wslnet.profiles.table import profile_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from wslnet.app.boot_watch import Watch
    from wslnet.engine.fleet import Fleet
    from wslnet.model.boot_data import BootData, Domain
    from wslnet.model.machine import Inventory, Machine

HOLD_S = 3600
"""How long one client of wsl.exe holds WSL; the next follows at once, well within the 15 s of idleness."""

_WINDOWS_NEEDS = frozenset({"adapters", "interfaces", "addresses", "routes", "wsl"})
_OF_WSL = frozenset({"persistence"})
_OTHER_RUN_WITHIN_S = 300.0
_HOLD_MARGIN_S = 120.0
_POLL_S = 2.0
_EXISTS = "exists"


def keep_wsl(
    load: Callable[[], BootData],
    connect: Callable[[Inventory], AbstractContextManager[Fleet]],
    say: Callable[[str, str], None],
    watch: Watch,
) -> None:
    """Starts WSL, puts everything in it back, and holds it; never returns while Windows runs.

    `load` gives the data of now, which a setup changes with the mode; `connect` the way to its machines. As
    long as `watch` guards a run, the run is in charge: WSL is neither started nor put in order.

    Raises:
        WslnetError: WSL does not start.
    """
    watch.await_rest()
    data = load()
    with connect(data.inventory) as fleet:
        windows, wsl = windows_of(data), wsl_of(data)
        say(windows.name, "starting WSL")
        start = Op("wsl.start", {"distro": wsl.distro, "hold_s": HOLD_S})
        must(fleet, windows.name, start, START_TIMEOUT_S)
    while True:
        with connect(data.inventory) as fleet:
            keep_start(data, fleet, say, watch)
        try:
            data = load()
        except InputError as error:
            # It is being written at this moment, or gone: what was read last is the best there is.
            say(windows.name, error.message)


def keep_start(data: BootData, fleet: Fleet, say: Callable[[str, str], None], watch: Watch) -> None:
    """One start of WSL: puts everything back, and holds it until it was shut down and runs again."""
    windows, wsl = windows_of(data), wsl_of(data)
    try:
        if not watch.is_armed:
            _put_back_beside_agents(data, fleet, say)
            must(fleet, windows.name, Op("task.start", {"name": NETWORK}), START_TIMEOUT_S)
    except WslnetError as error:
        # A VM that does not come up must not let WSL stop as well.
        say(error.machine or wsl.name, error.message)
    hold(data, fleet, say)


def _put_back_beside_agents(data: BootData, fleet: Fleet, say: Callable[[str, str], None]) -> None:
    """A machine with wslnet-agent may put a thing back between look and change: then we look again."""
    try:
        put_wsl_back(data, fleet, say)
    except AgentError as error:
        if error.op_code != _EXISTS:
            raise
        put_wsl_back(data, fleet, say)


def put_wsl_back(data: BootData, fleet: Fleet, say: Callable[[str, str], None]) -> int:
    """Waits for WSL's agent, starts the VMs that are to run, and makes routes and rules true.

    Returns:
        How many changes were made.

    Raises:
        WslnetError: a machine does not come up, or something could not be put back.
    """
    windows, wsl = windows_of(data), wsl_of(data)
    await_agent(fleet, wsl.name, frozenset({"identity", "wsl"}))
    with only_run(data.inventory.state, wait_s=_OTHER_RUN_WITHIN_S):
        for one in data.domains:
            _start(fleet, one, say)
        below = {one.name: LINUX_NEEDS for one in (wsl, *data.inventory.descendants(wsl.name))}
        below[wsl.name] |= _OF_WSL
        snapshot = gather(fleet, below | {windows.name: _WINDOWS_NEEDS})
        if snapshot.mode != data.mode:
            # An undo, or somebody's own change of `.wslconfig`: what was set up is not wanted any more.
            say(wsl.name, f"WSL runs in mode {snapshot.mode}, not {data.mode}: nothing is put back")
            return 0
        resources = [
            one
            for one in profile_of(data.mode).behind(snapshot)
            if one.machine != windows.name and one.machine in snapshot.facts
        ]
        resources += renewed_alias(snapshot)
        made = put_back(fleet, data.inventory.state / JOURNAL, snapshot, resources, say)
    for name, unseen in snapshot.unseen.items():
        say(name, f"not seen, nothing put back in it: {unseen.reason}")
    say(wsl.name, f"WSL half: {made} changes")
    return made


def hold(data: BootData, fleet: Fleet, say: Callable[[str, str], None]) -> None:
    """Keeps WSL up for as long as it runs; returns when it was shut down and runs again."""
    windows, wsl = windows_of(data), wsl_of(data)
    op = Op("wsl.hold", {"distro": wsl.distro, "seconds": HOLD_S})
    ended_early = False
    while not ended_early and _runs(fleet, windows.name, wsl):
        began = time.monotonic()
        try:
            # That a client outlives its time is no sign of anything: a PC that slept counts otherwise.
            fleet.execute(windows.name, [op], deadline_s=HOLD_S + _HOLD_MARGIN_S)
        except WslnetError as error:
            say(windows.name, error.message)
            time.sleep(_POLL_S)
        ended_early = time.monotonic() - began < HOLD_S
    say(windows.name, "WSL was shut down; waiting until it runs again")
    while not _runs(fleet, windows.name, wsl):
        time.sleep(_POLL_S)


def wsl_of(data: BootData) -> Machine:
    """The WSL machine.

    Raises:
        InputError: the data has none.
    """
    if data.inventory.wsl is None:
        raise InputError(f"{data.inventory.path}: no machine of kind wsl")
    return data.inventory.wsl


def _start(fleet: Fleet, one: Domain, say: Callable[[str, str], None]) -> None:
    say(one.host, f"starting {one.name}")
    op = Op("domain.start", {"name": one.name, "timeout_s": DOMAIN_TIMEOUT_S})
    must(fleet, one.host, op, DOMAIN_TIMEOUT_S + 15.0)
    if one.name in fleet.inventory.machines:
        await_agent(fleet, one.name, frozenset({"identity"}))


def _runs(fleet: Fleet, windows: str, wsl: Machine) -> bool:
    facts = see(fleet, windows, frozenset({"wsl"})).windows
    distros = facts.wsl.distros if facts is not None and facts.wsl is not None else ()
    return any(one.name == wsl.distro and one.state == "Running" for one in distros)
