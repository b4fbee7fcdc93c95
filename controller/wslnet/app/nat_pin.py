"""`wslnet config nat-pin`: the range of WSL's NAT network stays the same."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from wslnet.app.unguarded import UnguardedPlan
from wslnet.engine.gather import gather
from wslnet.engine.planner import make_plan
from wslnet.errors import InputError, PlanRefused
from wslnet.model.nat_range import conflicts, gateway_of, parse_range
from wslnet.model.portproxy import networks
from wslnet.resources.nat_range import NatRange

if TYPE_CHECKING:
    import ipaddress

    from wslnet.engine.fleet import Fleet
    from wslnet.model.windows_facts import WindowsFacts

_NEEDS = frozenset({"adapters", "addresses", "routes", "elevated", "wsl_nat"})
_NOTE = "Windows makes the network at WSL's first start after a boot: restart Windows to have it now"


def prepare_pin(fleet: Fleet, text: str | None) -> UnguardedPlan:
    """The plan that makes WSL remember the range `text`, or without one the range that it has now.

    Raises:
        InputError: no Windows in the inventory, or the text is no such range.
        PlanRefused: something of Windows lies in the range, or there is none to keep.
        Unreachable: Windows cannot be seen.
    """
    machine = fleet.inventory.windows
    if machine is None:
        raise InputError(f"{fleet.inventory.path}: no machine of kind windows")
    asked = None if text is None else parse_range(text)
    snapshot = gather(fleet, {machine.name: _NEEDS})
    if machine.name in snapshot.unseen:
        raise snapshot.unseen[machine.name].error(machine.name)
    facts = snapshot.windows
    if facts is None:
        raise PlanRefused(f"{machine.name}: it did not tell its adapters", machine=machine.name)
    network = asked or _range_of_now(facts, machine.name)
    taken = conflicts(facts, network)
    if taken:
        raise PlanRefused(
            f"{machine.name}: {network} is used already: {', '.join(taken)}", machine=machine.name
        )
    wanted = NatRange(
        machine.name, str(network), gateway_of(network), "so that WSL's NAT network stays the same"
    )
    plan = make_plan(snapshot, (wanted,))
    now = {str(one) for one in networks(facts)[0]}
    notes = (_NOTE,) if plan.changes and str(network) not in now else ()
    return UnguardedPlan(fleet, snapshot, (wanted,), replace(plan, notes=notes))


def _range_of_now(facts: WindowsFacts, machine: str) -> ipaddress.IPv4Network:
    mine, _ = networks(facts)
    if not mine:
        raise PlanRefused(
            f"{machine}: WSL has no NAT network now whose range could be kept",
            machine=machine,
            hint="name one: wslnet config nat-pin 172.30.96.0/20",
        )
    return mine[0]
