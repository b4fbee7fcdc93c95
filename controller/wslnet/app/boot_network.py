"""SYSTEM's half of `wslnet boot run`: forwarding on the switches, firewall rules, and what is published.

It touches nothing of the owner's and starts no WSL; it waits for the adapters that WSL's first start makes.
"""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from wslnet.app.boot_forwards import needs_of, published_resources
from wslnet.app.boot_guard import Guard
from wslnet.app.boot_run import data_path, load_data, put_back, see, windows_of
from wslnet.app.boot_take_back import interface_aliases, take_back
from wslnet.app.boot_wish import setup_options
from wslnet.errors import PlanRefused, Unsupported
from wslnet.profiles.boot import NETWORK
from wslnet.profiles.firewall import over_rules, renewed_rules
from wslnet.profiles.table import profile_of
from wslnet.profiles.wsl_services import renewed_service_rules

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from wslnet.engine.fleet import Fleet
    from wslnet.model.boot_data import BootData
    from wslnet.model.change import Resource
    from wslnet.model.machine import Inventory
    from wslnet.model.snapshot import Snapshot
    from wslnet_win_agent.boot.guard_files import Order

ADAPTERS_WITHIN_S = 60.0
_NEEDS = frozenset({"os", "adapters", "interfaces", "addresses", "routes", "profiles", "hyperv_firewall"})
_OF_SERVICES = frozenset({"host_rules"})
_LOOKS = 3
_POLL_S = 1.0


def own_inventory(data: BootData) -> Inventory:
    """The inventory for SYSTEM: what it keeps lies beside its data, never in a user's folder."""
    return replace(data.inventory, state=data_path().parent)


def keep_network(data: BootData, fleet: Fleet, say: Callable[[str, str], None]) -> None:
    """SYSTEM's whole half: takes back what nobody confirmed, guards the run that asks, puts back.

    Raises:
        Unsupported: somebody else could change the data that it reads.
        PlanRefused: another process is at work as this half.
        WslnetError: something could not be put back.
    """
    windows = windows_of(data).name
    _refuse_open_data(see(fleet, windows, frozenset({"boot"})))

    def accept(order: Order) -> Mapping[str, str] | None:
        if not guard.is_armed:
            _refuse_open_data(see(fleet, windows, frozenset({"boot"})))
        return interface_aliases(fleet, windows, order)

    guard = Guard(NETWORK, data_path().parent, lambda report: take_back(fleet, windows, report, say), accept)
    with guard:
        guard.stand()
        try:
            # The run that was watched over may have changed the mode, or was taken back.
            put_network_back(load_data(), fleet, say, asked_for=guard.look)
        finally:
            guard.stand()


def put_network_back(
    data: BootData,
    fleet: Fleet,
    say: Callable[[str, str], None],
    *,
    asked_for: Callable[[], bool] = lambda: False,
) -> int:
    """Waits at most ADAPTERS_WITHIN_S for the switches and puts back what is missing on them.

    Looks again at its end, because an adapter may come while it works. It stops waiting when it is
    `asked_for` elsewhere.

    Returns:
        How many changes were made.

    Raises:
        WslnetError: something could not be put back.
    """
    windows = windows_of(data).name
    deadline = time.monotonic() + ADAPTERS_WITHIN_S
    snapshot = see(fleet, windows, _NEEDS)
    # What was granted for a time waits for no adapter.
    if over := over_rules(snapshot, windows, datetime.now(UTC)):
        put_back(fleet, data_path().parent, snapshot, over, say)
        snapshot = see(fleet, windows, _NEEDS)
    while (missing := _missing(snapshot, data)) and time.monotonic() < deadline and not asked_for():
        say(windows, f"waiting for {', '.join(missing)}")
        time.sleep(_POLL_S)
        snapshot = see(fleet, windows, _NEEDS)
    made = 0
    for _ in range(_LOOKS):
        changes = put_back(fleet, data_path().parent, snapshot, _resources(snapshot, data, say), say)
        made += changes
        if not changes:
            break
        snapshot = see(fleet, windows, _NEEDS)
    made += _put_published_back(data, fleet, say)
    say(windows, f"network half: {made} changes")
    return made


def _put_published_back(data: BootData, fleet: Fleet, say: Callable[[str, str], None]) -> int:
    """By itself and last: a port that somebody took keeps nothing else from coming back."""
    windows, published = windows_of(data).name, bool(data.inventory.wish.forward)
    snapshot = see(fleet, windows, _NEEDS | _OF_SERVICES | (needs_of(data) if published else frozenset()))
    resources: list[Resource] = list(renewed_service_rules(snapshot, windows))
    resources += published_resources(snapshot, data, say) if published else []
    return put_back(fleet, data_path().parent, snapshot, resources, say)


def _resources(snapshot: Snapshot, data: BootData, say: Callable[[str, str], None]) -> list[Resource]:
    """What SYSTEM may and must put back: nothing of the owner's files, nothing that is only forecast.

    The rules of `@lan` are computed anew by the network of now, whoever of wslnet made them.
    """
    profile, windows = profile_of(data.mode), windows_of(data).name
    wish = replace(snapshot.inventory.wish, forward=())
    snapshot = replace(snapshot, inventory=replace(snapshot.inventory, wish=wish))
    try:
        resources = profile.resources(snapshot, setup_options(data.options))
    except PlanRefused as refused:
        # On a Public network the rules stay as they are; the switches do not depend on it.
        say(windows, refused.message)
        resources = profile.behind(snapshot)
    mine = [one for one in resources if one.machine == windows and "wslconfig" not in one.needs]
    # A rule that is there says more than the list: since when it is granted for a time only.
    own = {one.name: one for one in renewed_rules(snapshot, windows, datetime.now(UTC))}
    kept = [one for one in mine if getattr(one, "index", 0) is not None and one.name not in own]
    return [*kept, *own.values()]


def _missing(snapshot: Snapshot, data: BootData) -> list[str]:
    interfaces = snapshot.windows.interfaces if snapshot.windows is not None else None
    there = {one.alias for one in interfaces or () if one.connected}
    return [alias for alias in data.switches if alias not in there]


def _refuse_open_data(snapshot: Snapshot) -> None:
    boot = snapshot.windows.boot if snapshot.windows is not None else None
    if boot is None or boot.data.strangers:
        others = "; ".join(boot.data.strangers) if boot is not None else "unknown"
        raise Unsupported(f"refused: others than administrators could change what SYSTEM reads: {others}")
