"""`wslnet forwarding`: shows and switches Windows' forwarding flag on the chosen interfaces.

The switch is a plan like any other: journal, read-back, taken back when it fails. Only Windows is read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wslnet.app.unguarded import UnguardedPlan
from wslnet.engine.gather import gather
from wslnet.engine.planner import make_plan
from wslnet.errors import AgentError, InputError, PlanRefused
from wslnet.model.families import IPV4, IPV6
from wslnet.model.tunnels import forwarding_cards, tunnels
from wslnet.profiles.forwarding import NEEDS, Choice, choose, compile_match, resource_of

if TYPE_CHECKING:
    from wslnet.engine.fleet import Fleet
    from wslnet.model.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Selection:
    """Which interfaces are meant: `match` instead of the note's pattern, the way out too, IPv6 too."""

    match: str | None = None
    include_external: bool = False
    ipv6: bool = False

    @property
    def families(self) -> tuple[int, ...]:
        """The address families that are meant; WSL's NAT and the Default Switch have IPv4 only."""
        return (IPV4, IPV6) if self.ipv6 else (IPV4,)


@dataclass(frozen=True)
class Survey:
    """The interfaces of Windows with the decision about each, and what stands in the way."""

    machine: str
    snapshot: Snapshot
    choices: tuple[Choice, ...]
    notes: tuple[str, ...]


def survey(fleet: Fleet, selection: Selection) -> Survey:
    """Reads Windows and decides about each interface. Changes nothing.

    Raises:
        InputError: the inventory has no Windows host, or the pattern is no regular expression.
        Unreachable: Windows cannot be seen.
        AgentError: it did not tell its interfaces.
    """
    match = selection.match or fleet.inventory.forwarding_match
    compile_match(match)
    machine = fleet.inventory.windows
    if machine is None:
        raise InputError(f"{fleet.inventory.path}: no machine of kind windows")
    snapshot = gather(fleet, {machine.name: NEEDS | {"elevated"}})
    windows = snapshot.windows
    if windows is None:
        raise snapshot.unseen[machine.name].error(machine.name)
    if windows.interfaces is None:
        raise AgentError(f"{machine.name}: did not tell its interfaces", machine=machine.name)
    choices = choose(
        windows,
        match=match,
        include_external=selection.include_external,
        families=selection.families,
    )
    notes = tuple(
        f"{tunnel.name} takes the default route and {card.alias} forwards: the tunnel's packets may go round "
        "(wslnet doctor --only forwarding.tun)"
        for tunnel in tunnels(windows)
        for card in forwarding_cards(windows)
    )
    return Survey(machine.name, snapshot, choices, notes)


def prepare(fleet: Fleet, selection: Selection, *, enabled: bool) -> UnguardedPlan:
    """Plans the switch.

    Raises:
        InputError: nothing matches the user's own pattern.
        PlanRefused: a way out would forward beside a tunnel that takes everything (microsoft/WSL#41652).
    """
    found = survey(fleet, selection)
    chosen = [choice for choice in found.choices if choice.chosen]
    if not chosen and selection.match is not None:
        raise InputError(f"--match {selection.match!r}: no interface of {found.machine} is meant by it")
    if enabled:
        _refuse_loop(found, chosen)
    resources = tuple(resource_of(found.machine, one.interface, enabled=enabled) for one in chosen)
    plan = make_plan(found.snapshot, resources, notes=found.notes)
    return UnguardedPlan(fleet, found.snapshot, resources, plan)


def _refuse_loop(found: Survey, chosen: list[Choice]) -> None:
    windows = found.snapshot.windows
    taking = tunnels(windows) if windows is not None else ()
    for choice in chosen:
        if choice.external and taking:
            raise PlanRefused(
                f"{choice.interface.alias}: {taking[0].name} takes the default route; with forwarding on "
                "a way out its own packets would go round (microsoft/WSL#41652); nothing was changed",
                machine=found.machine,
                hint="stop the proxy's tunnel mode, or leave --include-external out",
            )
