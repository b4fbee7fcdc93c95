"""`wslnet config hosts`: names by which WSL knows Windows, with the address that Windows has for it now."""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from wslnet.app.unguarded import UnguardedPlan
from wslnet.engine.gather import gather
from wslnet.engine.planner import make_plan
from wslnet.engine.unseen import demand_seen
from wslnet.errors import InputError, PlanRefused
from wslnet.model.topology import host_address
from wslnet.resources.host_alias import HostAlias, names_in
from wslnet.resources.wslconf_key import WslConfKey

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wslnet.engine.fleet import Fleet
    from wslnet.model.snapshot import Snapshot

_WINDOWS_NEEDS = frozenset({"adapters", "addresses", "routes", "wsl"})
_WSL_NEEDS = frozenset({"persistence", "routes", "addresses", "wsl"})
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*")
_LONGEST = 253
_GENERATED = "network.generateHosts"


def prepare_hosts(fleet: Fleet, names: Sequence[str]) -> UnguardedPlan:
    """The plan after which WSL knows Windows by these names; without names, by none.

    Raises:
        InputError: a name is none, or the inventory has no Windows or WSL.
        PlanRefused: it is not known by which address WSL comes to Windows.
        Unreachable: WSL or Windows cannot be seen.
    """
    for name in names:
        if not _NAME.fullmatch(name) or len(name) > _LONGEST:
            raise InputError(f"{name!r} is no name of a host")
    windows, wsl = fleet.inventory.windows, fleet.inventory.wsl
    if windows is None or wsl is None:
        raise InputError(f"{fleet.inventory.path}: config hosts needs a windows and a wsl machine")
    snapshot = gather(fleet, {windows.name: _WINDOWS_NEEDS, wsl.name: _WSL_NEEDS})
    demand_seen(snapshot)
    address = host_address(snapshot)
    if address is None:
        raise PlanRefused(f"{wsl.name}: it is not known by which address it comes to Windows")
    why = f"WSL comes to Windows by {address}"
    kept = WslConfKey(wsl.name, _GENERATED, "false", "so that a start of WSL does not write /etc/hosts anew")
    alias = HostAlias(wsl.name, tuple(names), address, why if names else "no name is wished any more")
    resources = (kept, alias) if names else (alias,)
    plan = make_plan(snapshot, resources)
    notes = () if names else (f"[network] generateHosts in /etc/wsl.conf of {wsl.name} stays as it is",)
    return UnguardedPlan(fleet, snapshot, resources, replace(plan, notes=notes if plan.changes else ()))


def renewed_alias(snapshot: Snapshot) -> tuple[HostAlias, ...]:
    """Our line of /etc/hosts, if WSL has one, with the address of now."""
    wsl = snapshot.inventory.wsl
    facts = snapshot.linux(wsl.name) if wsl is not None else None
    address = host_address(snapshot)
    if wsl is None or facts is None or facts.persistence is None or address is None:
        return ()
    names = names_in(base64.b64decode(facts.persistence.hosts or ""))[1:]
    return (HostAlias(wsl.name, names, address, f"WSL comes to Windows by {address} now"),) if names else ()
