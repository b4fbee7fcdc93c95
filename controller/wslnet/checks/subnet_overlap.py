"""Do the subnets of VMs collide with each other, with the LAN, a VPN, or any route of Windows or WSL?"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import TYPE_CHECKING

from wslnet.checks.parts.findings import REACHABLE, Findings, look_again
from wslnet.checks.parts.routing import text_of
from wslnet.checks.parts.wires import routers, wires
from wslnet.model.address_plan import counts, network_of
from wslnet.model.families import MAIN_TABLE
from wslnet.model.finding import Check, Finding, Status
from wslnet.model.machine import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from wslnet.model.snapshot import Snapshot
    from wslnet.model.topology import Segment

_SAY = Findings("subnet.overlap", docs="https://wiki.libvirt.org/Networking.html")

_HOST_PREFIX = 32


@dataclass(frozen=True, slots=True)
class _Other:
    """A prefix that is used elsewhere: by whom, in words."""

    network: IPv4Network
    what: str


def _judge(snapshot: Snapshot) -> Iterator[Finding]:
    known = [wire for machine in routers(snapshot) for wire in wires(snapshot, machine.name)]
    for machine in routers(snapshot):
        facts = snapshot.linux(machine.name)
        own = [wire for wire in known if wire.parent == machine.name]
        if facts is None:
            yield _SAY.unseen(snapshot, machine.name)
        elif facts.addresses is None or not own:
            yield _SAY.unread(machine.name, "addresses towards its VMs")
        else:
            yield _machine(snapshot, machine.name, own, known)


def _machine(snapshot: Snapshot, machine: str, own: Sequence[Segment], known: Sequence[Segment]) -> Finding:
    stolen: list[str] = []
    hidden: list[str] = []
    for subnet, wire in {wire.subnet: wire for wire in own}.items():
        network = IPv4Network(subnet)
        for other in _others(snapshot, wire, known):
            if not network.overlaps(other.network):
                continue
            evidence = f"{machine} {wire.link} {subnet}: {other.what}"
            (stolen if other.network.prefixlen >= network.prefixlen else hidden).append(evidence)
    if not stolen and not hidden:
        subnets = dict.fromkeys(f"{machine} {wire.link} {wire.subnet}" for wire in own)
        return _SAY.ok(machine, f"the VM subnets of {machine} are used nowhere else", *subnets)
    steps = (
        f"on {machine}, move the VM network to a subnet that is used nowhere: virsh net-edit NAME",
        "have it take effect: virsh net-destroy NAME, virsh net-start NAME",
        "correct the addresses in the inventory",
    )
    return _SAY.problem(
        Status.FAIL if stolen else Status.WARN,
        machine,
        f"a VM subnet of {machine} is used elsewhere too",
        evidence=dict.fromkeys((*stolen, *hidden)),
        cause="packets to the VMs may go to the other network instead"
        if stolen
        else f"what lies in both is taken for a VM by {machine} and all machines below it",
        fix=look_again(_SAY.code, *steps),
    )


def _others(snapshot: Snapshot, wire: Segment, known: Sequence[Segment]) -> Iterator[_Other]:
    for other in known:
        if (other.parent, other.link) != (wire.parent, wire.link):
            yield _Other(IPv4Network(other.subnet), f"{other.parent} {other.link} has {other.subnet} too")
    ours = _addresses_of_the_tree(snapshot)
    yield from _of_windows(snapshot, ours)
    yield from _of_linux(snapshot, wire, ours)


def _of_windows(snapshot: Snapshot, ours: frozenset[str]) -> Iterator[_Other]:
    windows = snapshot.windows
    if windows is None or snapshot.inventory.windows is None:
        return
    name = snapshot.inventory.windows.name
    for address in windows.addresses or ():
        network = network_of(f"{address.address}/{address.prefix}")
        if network is not None and counts(network) and network.prefixlen < _HOST_PREFIX:
            yield _Other(network, f"{name} has {address.address}/{address.prefix} on {address.alias}")
    on_link = {network_of(f"{one.address}/{one.prefix}") for one in windows.addresses or ()}
    for route in windows.routes or ():
        network = network_of(route.dst)
        # A route by way of WSL or a VM is the way to the VMs, not a rival of it.
        if network is not None and counts(network) and network not in on_link and route.via not in ours:
            yield _Other(network, f"{name} has a route to {route.dst} via {route.via} on {route.alias}")


def _of_linux(snapshot: Snapshot, wire: Segment, ours: frozenset[str]) -> Iterator[_Other]:
    """Routes of the wire's parent and of the Linux machines above it that lead elsewhere."""
    inventory = snapshot.inventory
    above = [machine.name for machine in inventory.ancestors(wire.parent) if machine.is_linux]
    for name in (wire.parent, *above):
        facts = snapshot.linux(name)
        for route in (facts.routes if facts is not None else None) or ():
            network = network_of(route.dst)
            own_link = name == wire.parent and route.dev == wire.link
            if (
                network is None
                or route.table != MAIN_TABLE
                or not counts(network)
                or own_link
                or route.via in ours
            ):
                continue
            yield _Other(network, f"{name} has a route: {text_of(route)}")


def _addresses_of_the_tree(snapshot: Snapshot) -> frozenset[str]:
    found = {
        machine.address for machine in snapshot.inventory.of_kind(Kind.VM) if machine.address is not None
    }
    service = snapshot.windows.wsl if snapshot.windows is not None else None
    if service is not None and service.address is not None and snapshot.mode == "nat":
        found.add(service.address)
    return frozenset(found)


CHECK = Check(
    code=_SAY.code,
    title="The subnets of VMs are used nowhere else",
    needs={
        Kind.WINDOWS: frozenset({"addresses", "routes", "wsl"}),
        Kind.WSL: frozenset({"addresses", "routes", "wsl"}),
        Kind.VM: frozenset({"addresses", "routes"}),
    },
    judge=_judge,
    depends_on=(REACHABLE,),
    docs=_SAY.docs,
)
