"""Is WSL's NAT network the one that it remembers, and nobody else's (wsl-facts 1.3; wsl-facts 6, no. 14)?"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from wslnet.checks.parts.findings import REACHABLE, Findings
from wslnet.checks.parts.windows import on_windows
from wslnet.model.adapter_roles import Role, roles
from wslnet.model.families import IPV4
from wslnet.model.finding import Check, Finding, Fix, Status
from wslnet.model.machine import Kind
from wslnet.model.nat_range import free_range, gateway_of
from wslnet.model.portproxy import networks
from wslnet.resources.nat_range import NatRange

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wslnet.model.snapshot import Snapshot
    from wslnet.model.windows_facts import WindowsFacts

_SAY = Findings("nat.subnet", docs="https://learn.microsoft.com/windows/wsl/networking")


def _judge(snapshot: Snapshot, machine: str, windows: WindowsFacts) -> Iterator[Finding]:
    if windows.wsl_nat is None or windows.addresses is None or windows.adapters is None:
        yield _SAY.unread(machine, "WSL's NAT network and addresses")
    elif snapshot.mode != "nat":
        yield _SAY.skip(machine, f"WSL runs in mode {snapshot.mode or 'unknown'}, without a NAT network")
    else:
        yield _of(machine, windows)


def _of(machine: str, windows: WindowsFacts) -> Finding:
    mine, _ = networks(windows)
    remembered = windows.wsl_nat.network if windows.wsl_nat is not None else None
    if not mine:
        return _SAY.skip(machine, "Windows has no adapter of WSL's NAT network")
    shared = [f"{machine} {line}" for line in _shared(windows, mine)]
    here = ", ".join(map(str, mine))
    pin = free_range(windows)
    command = f"wslnet config nat-pin {pin}" if pin is not None else "wslnet config nat-pin NETWORK"
    pinned = (
        ()
        if pin is None
        else (NatRange(machine, str(pin), gateway_of(pin), "a range that nobody else uses"),)
    )
    if shared:
        return _SAY.problem(
            Status.WARN,
            machine,
            f"WSL's NAT network {here} is used elsewhere, too",
            evidence=shared,
            cause="WSL takes a private range by itself, and another network of this PC has the same",
            fix=Fix(
                command, ("pin a range that nobody uses", "restart Windows: the network is made then"), pinned
            ),
        )
    if remembered is not None and remembered not in {str(one) for one in mine}:
        return _SAY.problem(
            Status.WARN,
            machine,
            f"WSL's NAT network is {here} and not {remembered}",
            evidence=[f"{machine} registry NatNetwork {remembered}", f"{machine} adapter of WSL {here}"],
            cause="the range was pinned and Windows has not started since, or it could not be had: WSL then "
            "takes another one",
            fix=Fix(command, ("restart Windows: the network is made then", "else pin a range that is free")),
        )
    return _SAY.ok(machine, f"WSL's NAT network is {here}, used by nobody else")


def _shared(windows: WindowsFacts, mine: tuple[ipaddress.IPv4Network, ...]) -> Iterator[str]:
    """Routes of other adapters into the network, or over all of it; the default route is none."""
    role = roles(windows)
    for route in windows.routes or ():
        if route.family != IPV4 or role.get(route.index) is Role.WSL:
            continue
        network = ipaddress.IPv4Network(route.dst)
        if network.prefixlen and network.is_private and any(network.overlaps(one) for one in mine):
            yield f"route {route.dst} via {route.alias}"


CHECK = Check(
    code=_SAY.code,
    title="WSL's NAT network is its own",
    needs={
        Kind.WINDOWS: frozenset({"adapters", "addresses", "routes", "wsl", "wsl_nat"}),
        Kind.WSL: frozenset({"wsl"}),
    },
    judge=on_windows(_SAY, _judge),
    depends_on=(REACHABLE,),
    docs=_SAY.docs,
)
