"""Does every machine above a nested VM have a route to its subnet? Names the route that takes it instead."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wslnet.checks.parts.findings import REACHABLE, Findings, graded, setup_command
from wslnet.checks.parts.routing import route_towards, text_of
from wslnet.checks.parts.wires import grandchildren, is_wished, routers, unknown_wires, wires
from wslnet.errors import PlanRefused
from wslnet.model.finding import Check, Finding, Fix
from wslnet.model.machine import Kind
from wslnet.profiles.nested import nested_resources
from wslnet.resources.static_route import StaticRoute

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from wslnet.model.linux_facts import LinuxFacts
    from wslnet.model.linux_network import Route
    from wslnet.model.snapshot import Snapshot

_SAY = Findings("route.nested", docs="https://wiki.libvirt.org/Networking.html")


@dataclass(frozen=True, slots=True)
class _Way:
    """A route that is wanted, a VM behind it, and the route that packets to that VM take now."""

    wanted: StaticRoute
    child: str
    taken: Route | None

    @property
    def is_right(self) -> bool:
        """Whether packets leave as wanted, by whichever route; a wider one serves as well."""
        return self.taken is not None and (self.taken.via, self.taken.dev) == (
            self.wanted.via,
            self.wanted.dev,
        )

    @property
    def evidence(self) -> str:
        """What is missing, and where packets go instead."""
        one = self.wanted
        now = "nothing leads there" if self.taken is None else f"packets go by {text_of(self.taken)}"
        return f"{one.machine}: no route to {one.dst} (wanted: via {one.via} dev {one.dev}); {now}"


def _judge(snapshot: Snapshot) -> Iterator[Finding]:
    wanted = [one for one in nested_resources(snapshot) if isinstance(one, StaticRoute)]
    for machine in routers(snapshot):
        if not grandchildren(snapshot.inventory, machine.name):
            continue
        facts = snapshot.linux(machine.name)
        if facts is None:
            yield _SAY.unseen(snapshot, machine.name)
        elif facts.routes is None:
            yield _SAY.unread(machine.name, "routes")
        elif facts.addresses is None:
            yield _SAY.unread(machine.name, "addresses")
        else:
            mine = tuple(one for one in wanted if one.machine == machine.name)
            yield _machine(snapshot, machine.name, facts, _ways(snapshot, machine.name, facts.routes, mine))


def _ways(
    snapshot: Snapshot, machine: str, routes: Iterable[Route], wanted: Iterable[StaticRoute]
) -> tuple[_Way, ...]:
    behind = {wire.subnet: wire for wire in reversed(wires(snapshot, machine))}
    return tuple(
        _Way(one, behind[one.dst].child, route_towards(routes, behind[one.dst].child_address))
        for one in wanted
        if one.dst in behind
    )


def _machine(snapshot: Snapshot, machine: str, facts: LinuxFacts, ways: Sequence[_Way]) -> Finding:
    missing = [way for way in ways if not way.is_right]
    unknown = unknown_wires(snapshot, machine)
    if missing:
        return _missing(snapshot, machine, facts, missing)
    if unknown:
        return _SAY.skip(machine, "not every nested subnet is known", *unknown, depends_on=(REACHABLE,))
    evidence = (f"{machine}: {way.wanted.dst} via {way.wanted.via} dev {way.wanted.dev}" for way in ways)
    return _SAY.ok(machine, f"{machine} has a route to every nested subnet", *evidence)


def _missing(snapshot: Snapshot, machine: str, facts: LinuxFacts, missing: Sequence[_Way]) -> Finding:
    inventory = snapshot.inventory
    wanted = [way.wanted for way in missing]
    wished = any(
        is_wished(inventory, way.child, inventory.branch(machine, way.child).name) for way in missing
    )
    return _SAY.problem(
        graded(wished=wished),
        machine,
        f"{machine} has no route to {', '.join(one.dst for one in wanted)}",
        evidence=(way.evidence for way in missing),
        cause=f"the subnet lies behind another machine, and nobody has told {machine} which one",
        fix=Fix(
            setup_command(inventory.wish),
            tuple(f"on {machine}: ip route add {one.dst} via {one.via} dev {one.dev}" for one in wanted),
            tuple(one for one in wanted if _can_be_made(one, facts)),
        ),
    )


def _can_be_made(wanted: StaticRoute, facts: LinuxFacts) -> bool:
    """A route of somebody else to the same subnet is not ours to replace."""
    try:
        return wanted.diff(facts) is not None
    except PlanRefused:
        return False


CHECK = Check(
    code=_SAY.code,
    title="Machines above nested VMs have routes to them",
    needs={kind: frozenset({"addresses", "routes"}) for kind in (Kind.WSL, Kind.VM)},
    judge=_judge,
    depends_on=(REACHABLE,),
    docs=_SAY.docs,
)
