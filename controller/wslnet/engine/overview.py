"""What `wslnet status` tells: every machine with its links, routes, bridges and VMs, as one plain picture.

Pure: a snapshot in, a picture out. It describes and never judges, which is doctor's part. How it is printed
is the command line's concern, which has nothing to show that is not in here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from wslnet.engine import overview_linux, overview_windows
from wslnet.model import known_addresses
from wslnet.model.adapter_roles import EXPLAINED, Role
from wslnet.model.linux_facts import LinuxFacts
from wslnet.model.machine import Kind
from wslnet.model.mirror import mirrored_links
from wslnet.model.route_groups import RouteGroup, linux_groups, windows_groups
from wslnet.model.windows_facts import WindowsFacts

if TYPE_CHECKING:
    from wslnet.engine.overview_link import BridgeView, LinkView, VmView
    from wslnet.model.machine import Inventory, Machine
    from wslnet.model.snapshot import Needs, Snapshot
    from wslnet.model.windows_wsl import Distro

SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True)
class MachineView:
    """One machine. `reason` says why it was not seen; everything else is then empty."""

    name: str
    kind: str
    parent: str | None
    address: str | None
    seen: bool
    reason: str | None = None
    system: str | None = None
    hostname: str | None = None
    forwarding: bool | None = None
    links: tuple[LinkView, ...] = ()
    routes: tuple[RouteGroup, ...] = ()
    bridges: tuple[BridgeView, ...] = ()
    vms: tuple[VmView, ...] | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WslView:
    """WSL as a whole. `mode` is measured, `configured` what `.wslconfig` asks for, `wished` the inventory."""

    running: bool | None = None
    mode: str | None = None
    configured: str | None = None
    wished: str | None = None
    version: str | None = None
    kernel: str | None = None
    distros: tuple[Distro, ...] = ()


@dataclass(frozen=True, slots=True)
class Overview:
    """The whole picture."""

    wsl: WslView | None
    machines: tuple[MachineView, ...] = field(default=())

    def to_json(self) -> dict[str, object]:
        """The document of `status --json`."""
        return {"schema_version": SCHEMA_VERSION, **msgspec.to_builtins(self)}


def overview_needs(inventory: Inventory) -> Needs:
    """What to gather for it; a peer is another's PC and tells its links and addresses only."""
    return {name: _NEEDS[machine.kind] for name, machine in inventory.machines.items()}


_NEEDS = {
    Kind.WINDOWS: overview_windows.NEEDS,
    Kind.WSL: overview_linux.NEEDS,
    Kind.VM: overview_linux.NEEDS,
    Kind.PEER: frozenset({"identity", "links", "addresses", "routes"}),
}


def overview(snapshot: Snapshot, configured: str | None = None) -> Overview:
    """The picture of a snapshot; `configured` is the mode that `.wslconfig` asks for, if it was read."""
    machines = tuple(_machine(snapshot, one) for one in snapshot.inventory.machines.values())
    return Overview(_wsl(snapshot, configured), machines)


def _wsl(snapshot: Snapshot, configured: str | None) -> WslView | None:
    if snapshot.inventory.wsl is None:
        return None
    service = snapshot.windows.wsl if snapshot.windows is not None else None
    if service is None:
        return WslView(mode=snapshot.mode, configured=configured, wished=snapshot.inventory.wish.mode)
    return WslView(
        service.running,
        snapshot.mode,
        configured,
        snapshot.inventory.wish.mode,
        service.version,
        service.kernel_version,
        service.distros,
    )


def _machine(snapshot: Snapshot, machine: Machine) -> MachineView:
    facts = snapshot.facts.get(machine.name)
    head = (machine.name, str(machine.kind), machine.parent, machine.address)
    if isinstance(facts, WindowsFacts):
        links = overview_windows.windows_links(facts)
        return MachineView(
            *head,
            seen=True,
            system=overview_windows.system_of(facts),
            links=links,
            routes=windows_groups(facts.routes or ()),
            notes=tuple(_role_notes(links)),
        )
    if isinstance(facts, LinuxFacts):
        behind = {one.link: one for one in mirrored_links(snapshot)} if machine.kind is Kind.WSL else {}
        switch = (facts.sysctls or {}).get("net.ipv4.ip_forward")
        return MachineView(
            *head,
            seen=True,
            system=overview_linux.system_of(facts),
            hostname=facts.identity.hostname if facts.identity is not None else None,
            forwarding=None if switch is None else switch == "1",
            links=overview_linux.linux_links(facts, behind),
            routes=linux_groups(facts.routes or ()),
            bridges=overview_linux.bridges(facts),
            vms=overview_linux.vms(facts, machine.name, snapshot.inventory),
            notes=tuple(known_addresses.notes(facts)),
        )
    unseen = snapshot.unseen.get(machine.name)
    return MachineView(*head, seen=False, reason=unseen.reason if unseen is not None else "not asked")


def _role_notes(links: tuple[LinkView, ...]) -> list[str]:
    return [f"{role}: {EXPLAINED[role]}" for role in Role if any(link.role == role for link in links)]
