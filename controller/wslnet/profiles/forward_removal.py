"""Taking published ports back as resources: what carries the forward's name, and what it alone had opened."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet.model.allow import Allow
from wslnet.model.machine import Kind
from wslnet.model.topology import segment
from wslnet.netfilter.rules import OWN_MARK, Place
from wslnet.netfilter.view import tables
from wslnet.profiles.forwards import NAT, linux_resources, localnet_tag
from wslnet.profiles.nat_forwards import PURPOSE, removed_resources
from wslnet.resources.absent_rule import AbsentRule
from wslnet.resources.hyperv_rule import HyperVAllowRule
from wslnet.resources.kept_thing import KeptThing
from wslnet.resources.port_holder import PortHolder
from wslnet.resources.sysctl import Sysctl

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wslnet.model.change import Resource
    from wslnet.model.forward import Forward
    from wslnet.model.snapshot import Snapshot

_WHY = "it is not published any more"


def removal_resources(
    snapshot: Snapshot, gone: tuple[Forward, ...], left: tuple[Forward, ...]
) -> tuple[Resource, ...]:
    """What takes the forwards `gone` back; routes and accepts that `vm reach` makes stay.

    `left`: what stays published, and needs what both had opened.
    """
    wsl = snapshot.inventory.wsl
    if wsl is None:
        return ()
    found: list[Resource] = []
    for one in gone:
        found += _on_windows(snapshot, one)
        found.append(PortHolder(wsl.name, one.proto, one.port, _WHY, present=False))
    closed = sorted(_links(snapshot, gone) - _links(snapshot, left))
    found += [
        Sysctl(
            wsl.name, f"net.ipv4.conf.{link}.route_localnet", "0", f"nothing on {link} is published any more"
        )
        for link in closed
    ]
    found += _kept_no_more(snapshot, wsl.name, gone, left)
    tags = {*(one.tag for one in gone), *(localnet_tag(link) for link in closed)}
    return (*found, *_rules(snapshot, wsl.name, tags))


def _kept_no_more(
    snapshot: Snapshot, wsl: str, gone: tuple[Forward, ...], left: tuple[Forward, ...]
) -> Iterator[KeptThing]:
    """What wslnet-agent would put back of these; what `vm reach` makes, and others need, it still does."""
    facts, mode = snapshot.linux(wsl), snapshot.mode or ""
    items = facts.owned.items if facts is not None and facts.owned is not None else ()
    mine, theirs = (
        {
            one.name
            for one in linux_resources(snapshot, mode, some)
            if one.machine == wsl and "S0-57" in one.rows
        }
        for some in (gone, left)
    )
    for item in items:
        if item.name in mine - theirs and item.do is not None:
            yield KeptThing(wsl, item.name, None, _WHY)


def _on_windows(snapshot: Snapshot, forward: Forward) -> Iterator[Resource]:
    windows, machine = snapshot.windows, snapshot.inventory.windows
    if windows is None or machine is None:
        return
    allow = Allow(forward.proto, forward.port, forward.scope)
    yield HyperVAllowRule(machine.name, allow, (), (), _WHY, purpose=PURPOSE, present=False)
    if snapshot.mode == NAT:
        yield from removed_resources(snapshot, machine.name, forward, _WHY)


def _links(snapshot: Snapshot, forwards: tuple[Forward, ...]) -> set[str]:
    """The links of WSL behind which something of these is, where localhost of Windows was let through."""
    inventory, wsl = snapshot.inventory, snapshot.inventory.wsl
    if wsl is None or snapshot.mode != "mirrored":
        return set()
    vms = [one.target for one in forwards if inventory[one.target].kind is Kind.VM]
    wires = (segment(snapshot, inventory.branch(wsl.name, vm).name) for vm in vms)
    return {wire.link for wire in wires if wire is not None}


def _rules(snapshot: Snapshot, wsl: str, tags: set[str]) -> Iterator[AbsentRule]:
    facts = snapshot.linux(wsl)
    if facts is None or facts.firewall is None:
        return
    for table in tables(facts.firewall):
        for chain in table.chains.values():
            place = Place(table.backend, table.family, table.name, chain.name)
            earlier: list[str] = []
            for rule in chain.listed:
                if rule.comment in {f"{OWN_MARK}{tag}" for tag in tags}:
                    yield AbsentRule(wsl, place, rule.text, _WHY, earlier=tuple(earlier), rows=("S0-57",))
                    earlier.append(rule.text)
