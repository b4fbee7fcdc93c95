"""Do packets of a mirrored WSL leave with the address that belongs to where they go?

Windows mirrors the routes of prefixes without a source. With two addresses on one card Linux takes the first
for all of them, and what answers only its own network is silent (microsoft/WSL#12548).
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from wslnet.checks.parts.findings import MODE_KNOWN_BY, Findings, look_again
from wslnet.checks.parts.wsl import on_mirrored_wsl
from wslnet.model.families import IPV4, MAIN_TABLE
from wslnet.model.finding import Check, Finding, Fix, Status
from wslnet.model.machine import Kind
from wslnet.model.mirror import mirrored_links
from wslnet.resources.source_route import SourceRoute

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wslnet.model.linux_facts import LinuxFacts
    from wslnet.model.snapshot import Snapshot

_SAY = Findings("mirror.sources", docs="https://github.com/microsoft/WSL/issues/12548")


def _judge(snapshot: Snapshot, machine: str, facts: LinuxFacts) -> Iterator[Finding]:
    if facts.addresses is None or facts.routes is None:
        yield _SAY.unread(machine, "addresses and routes")
    else:
        cards = dict.fromkeys(one.link for one in mirrored_links(snapshot))
        yield _machine(machine, [one for card in cards for one in _wrong(machine, card, facts)])


def _machine(machine: str, wrong: list[tuple[str, SourceRoute]]) -> Finding:
    if not wrong:
        return _SAY.ok(machine, "packets leave with the address of the network that they go to")
    resources = tuple(route for _, route in wrong if route.metric >= 0)
    steps = tuple(
        f"ip route add {one.dst} dev {one.dev} src {one.src} metric {one.metric}" for one in resources
    )
    fix = look_again(_SAY.code, "have the programs bind the address of the network that they go to")
    if resources:
        command = f"wslnet doctor --only {_SAY.code} --fix"
        fix = Fix(command, (*steps, "Windows resets routes: boot install has them put back"), resources)
    return _SAY.problem(
        Status.WARN,
        machine,
        "packets to a second network of a card leave with the address of the first",
        evidence=(f"{machine}: {line}" for line, _ in wrong),
        cause="the mirrored route names no source, and Linux takes the card's first address; who answers "
        "its own network only, or filters by it, is silent",
        fix=fix,
    )


def _wrong(machine: str, card: str, facts: LinuxFacts) -> Iterator[tuple[str, SourceRoute]]:
    held = [one for one in facts.addresses_of(card) if one.family == IPV4 and "secondary" not in one.flags]
    first = held[0].address if held else None
    for one in held[1:]:
        network = str(ipaddress.ip_interface(f"{one.address}/{one.prefix}").network)
        ways = [
            way for way in facts.routes or () if (way.table, way.dst, way.dev) == (MAIN_TABLE, network, card)
        ]
        best = min(ways, key=lambda way: way.metric, default=None)
        if best is None or best.src is not None or first is None or _within(first, network):
            continue
        why = f"Linux takes {first} for it, the first address of {card}"
        line = f"{network} dev {card} metric {best.metric}: no src, so {first} is taken, not {one.address}"
        yield line, SourceRoute(machine, network, card, one.address, best.metric - 1, why)


def _within(address: str, network: str) -> bool:
    return ipaddress.ip_address(address) in ipaddress.ip_network(network)


CHECK = Check(
    code=_SAY.code,
    title="Packets of a mirrored WSL leave with the right address",
    needs={
        Kind.WINDOWS: frozenset({"adapters", "addresses", "wsl"}),
        Kind.WSL: frozenset({"links", "addresses", "routes", "wsl"}),
    },
    judge=on_mirrored_wsl(_SAY, _judge),
    depends_on=MODE_KNOWN_BY,
    docs=_SAY.docs,
)
