"""Has WSL a default route that works, and exactly one that wins?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet.checks.parts.findings import REACHABLE, Findings, look_again
from wslnet.checks.parts.routing import route_towards, text_of
from wslnet.checks.parts.wsl import on_wsl
from wslnet.model.address_plan import network_of
from wslnet.model.families import IPV4, MAIN_TABLE
from wslnet.model.finding import Check, Finding, Fix, Status
from wslnet.model.machine import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from wslnet.model.linux_facts import LinuxFacts
    from wslnet.model.linux_network import Route
    from wslnet.model.snapshot import Snapshot

_SAY = Findings("route.default", docs="https://learn.microsoft.com/windows/wsl/networking")

_BROKEN_FLAGS = frozenset({"dead", "linkdown"})


def _judge(snapshot: Snapshot, machine: str, facts: LinuxFacts) -> Iterator[Finding]:
    if facts.routes is None:
        yield _SAY.unread(machine, "routes")
    elif (snapshot.mode or "").lower() == "none":
        yield _SAY.skip(machine, "WSL runs without a network", depends_on=("mode.actual",))
    else:
        yield _machine(machine, facts, facts.routes)


def _machine(machine: str, facts: LinuxFacts, routes: Sequence[Route]) -> Finding:
    down = {link.name for link in facts.links or () if not link.up}
    found = sorted((route for route in routes if _is_default(route)), key=lambda route: route.metric)
    working = [route for route in found if route.dev not in down and not _BROKEN_FLAGS & set(route.flags)]
    evidence = tuple(f"{machine}: {text_of(route)}{_gateway(routes, route)}" for route in found)
    if not working:
        return _SAY.problem(
            Status.FAIL,
            machine,
            f"{machine} has no default route" if not found else f"{machine} has no default route that works",
            evidence=evidence or (f"{machine}: no default route in the main table",),
            cause="Windows has no network itself, or WSL lost the routes that Windows gave it: taking a link "
            "of WSL down and up loses them until Windows sends them again (wsl-guest-facts 1.6)",
            fix=Fix(
                "wslnet restart", ("look whether Windows has a network", "let WSL start anew: wslnet restart")
            ),
        )
    best = [route for route in working if route.metric == working[0].metric]
    if len(best) > 1:
        return _SAY.problem(
            Status.WARN,
            machine,
            f"{machine} has {len(best)} default routes of the same metric",
            evidence=evidence,
            cause="which of them is taken is chance; replies may leave by another link than requests came in",
            fix=look_again(
                _SAY.code,
                "give one of the adapters of Windows a lower metric: Set-NetIPInterface -InterfaceMetric; "
                "WSL takes it over",
            ),
        )
    return _SAY.ok(machine, f"{machine} has a default route: {text_of(working[0])}", *evidence)


def _gateway(routes: Sequence[Route], default: Route) -> str:
    """By which route the gateway itself is reached: Windows gives it a host route of its own (seed 000)."""
    if default.via is None or default.family != IPV4:
        return ""
    way = route_towards((one for one in routes if one.dev == default.dev and one.via is None), default.via)
    return "" if way is None else f" (gateway on-link by {text_of(way)})"


def _is_default(route: Route) -> bool:
    network = network_of(route.dst)
    return (
        route.family == IPV4 and route.table == MAIN_TABLE and network is not None and network.prefixlen == 0
    )


CHECK = Check(
    code=_SAY.code,
    title="WSL has one default route",
    needs={Kind.WINDOWS: frozenset({"wsl"}), Kind.WSL: frozenset({"routes", "links", "wsl"})},
    judge=on_wsl(_SAY, _judge),
    depends_on=(REACHABLE, "mode.actual"),
    docs=_SAY.docs,
)
