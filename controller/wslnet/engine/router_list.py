"""Who is a router for machines of the tree: switches of Windows, networks of libvirt, our nets, router VMs.

Pure: facts in, rows out, in the order of the tree. A virtual router is the end of a virtual wire that its
host holds: gateway, DHCP and DNS of whatever is plugged in.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Interface
from typing import TYPE_CHECKING

import msgspec

from wslnet.model.adapter_roles import Role, role_of
from wslnet.model.families import IPV4
from wslnet.model.guest_facts import AddressRange, GivenLease  # noqa: TC001 - msgspec writes them
from wslnet.model.linux_facts import LinuxFacts
from wslnet.model.machine import Kind
from wslnet.model.virtual_net import NetMode, declarations

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wslnet.model.guest_facts import VirtualRouter
    from wslnet.model.machine import Inventory, Machine
    from wslnet.model.snapshot import Needs, Snapshot
    from wslnet.model.windows_facts import WindowsFacts

SCHEMA_VERSION = 1

_NEEDS = {
    Kind.WINDOWS: frozenset({"adapters", "addresses", "routes"}),
    Kind.WSL: frozenset({"routers", "files"}),
    Kind.VM: frozenset({"routers", "files"}),
}
_SWITCHES = {
    Role.WSL: "WSL is given its address by Windows, without DHCP",
    Role.HYPER_V: "whether it serves DHCP, Windows does not tell (the Default Switch does)",
}


@dataclass(frozen=True, slots=True)
class RouterView:
    """One router. `maker` is `windows`, `libvirt`, `wslnet` or `vm`; `way` how its guests get out, in a word.

    `leases` None: it tells none. `note` is what is to be known beside.
    """

    machine: str
    name: str
    maker: str
    link: str | None = None
    gateway: str | None = None
    subnet: str | None = None
    way: str | None = None
    active: bool = True
    ranges: tuple[AddressRange, ...] = ()
    leases: tuple[GivenLease, ...] | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class RouterList:
    """All of them; `unseen` says why a machine could not be asked."""

    routers: tuple[RouterView, ...]
    unseen: dict[str, str]

    def to_json(self) -> dict[str, object]:
        """The document of `status net --json`."""
        return {"schema_version": SCHEMA_VERSION, **msgspec.to_builtins(self)}


def router_needs(inventory: Inventory) -> Needs:
    """What to gather for it."""
    return {name: _NEEDS[one.kind] for name, one in inventory.machines.items() if one.kind in _NEEDS}


def router_list(snapshot: Snapshot) -> RouterList:
    """The routers of all machines that were seen, and router VMs by the inventory alone.

    Raises:
        InputError: a declaration of a net cannot be read.
    """
    found: list[RouterView] = []
    for machine in snapshot.inventory.machines.values():
        facts = snapshot.facts.get(machine.name)
        if isinstance(facts, LinuxFacts):
            found += (_of_libvirt(machine.name, one) for one in facts.routers or ())
            found += _nets(machine.name, facts)
        elif facts is not None:
            found += _switches(machine.name, facts)
        found += _router_vm(machine)
    return RouterList(tuple(found), {name: one.reason for name, one in snapshot.unseen.items()})


def _of_libvirt(machine: str, one: VirtualRouter) -> RouterView:
    subnet = None
    if one.gateway is not None and one.prefix is not None:
        subnet = str(IPv4Interface(f"{one.gateway}/{one.prefix}").network)
    silent = [
        word for word, said in (("DHCP", one.dhcp), ("DNS", one.dns)) if said is not None and said != "ok"
    ]
    return RouterView(
        machine,
        one.network,
        "libvirt",
        one.bridge,
        one.gateway,
        subnet,
        one.forward or "isolated",
        one.active,
        one.ranges,
        one.leases,
        f"{' and '.join(silent)} not answered: wslnet doctor --only dhcp.dnsmasq" if silent else None,
    )


def _nets(machine: str, facts: LinuxFacts) -> Iterator[RouterView]:
    for declaration in declarations(facts).values():
        net = declaration.net
        if net.mode is not NetMode.L2:
            note = "guests are configured by `wslnet net guest`, without DHCP"
            yield RouterView(
                machine, net.name, "wslnet", net.name, net.gateway, net.subnet, str(net.mode), note=note
            )


def _switches(machine: str, windows: WindowsFacts) -> Iterator[RouterView]:
    for adapter in windows.adapters or ():
        note = _SWITCHES.get(role_of(adapter, windows))
        for one in windows.addresses or ():
            if note is not None and one.index == adapter.index and one.family == IPV4:
                subnet = str(IPv4Interface(f"{one.address}/{one.prefix}").network)
                yield RouterView(
                    machine, adapter.name, "windows", adapter.name, one.address, subnet, "nat", note=note
                )


def _router_vm(machine: Machine) -> Iterator[RouterView]:
    for subnet in machine.routes:
        yield RouterView(machine.name, machine.name, "vm", None, machine.address, subnet, "route")
