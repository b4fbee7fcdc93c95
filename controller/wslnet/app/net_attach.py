"""`wslnet net attach` and `detach`: a card as a further port of a bridge that somebody else has made.

What seed 000 thinks of for eth1 and virbr0: the guests are then on the card's LAN. The card's addresses and
routes go to the bridge in one step under a guard; nothing of it outlives a restart of the machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Interface
from typing import TYPE_CHECKING

from wslnet.app.setup import Prepared
from wslnet.app.virtual_net import observe
from wslnet.engine.planner import make_plan
from wslnet.errors import InputError, PlanRefused, Unsupported
from wslnet.model.families import IPV4
from wslnet.model.machine import Kind
from wslnet.netfilter.rules import OWN_MARK, Field
from wslnet.netfilter.view import tables
from wslnet.profiles.bridged import demand_bridgeable
from wslnet.profiles.modes import SetupOptions
from wslnet.profiles.virtual_net import rules_with_comment
from wslnet.resources.bridged_uplink import BridgedUplink
from wslnet.resources.own_rule import OwnRule

if TYPE_CHECKING:
    from collections.abc import Callable

    from wslnet.engine.fleet import Fleet
    from wslnet.model.change import Resource
    from wslnet.model.linux_facts import LinuxFacts
    from wslnet.model.snapshot import Snapshot

_ROWS = ("S0-50",)


@dataclass(frozen=True, slots=True)
class AttachWish:
    """The card, the bridge and their machine; `force`: although Windows or Hyper-V is against it."""

    machine: str
    card: str
    bridge: str
    force: bool = False


def prepare_attach(fleet: Fleet, wish: AttachWish, say: Callable[[str, str], None]) -> Prepared:
    """Plans to plug the card into the bridge. Changes nothing.

    Raises:
        InputError: there is no such card or bridge.
        Unsupported: the card cannot be bridged here; says why and what can be done instead.
        PlanRefused: another bridge has it, or the bridge has no address.
        Unreachable: the machine cannot be seen.
    """
    snapshot, facts = observe(fleet, wish.machine, say)
    machine = snapshot.inventory[wish.machine]
    if machine.kind is Kind.WSL and snapshot.mode == "mirrored" and not wish.force:
        raise Unsupported(
            f"{machine.name}: {wish.card} is a mirror of Windows' adapter: its addresses are Windows', which "
            "puts them back on it at random, and Hyper-V lets no MAC address of a guest through",
            machine=machine.name,
            hint="publish what the LAN shall see (wslnet forward add), or --force",
        )
    demand_bridgeable(machine, facts, wish.card, wish.bridge, spoofing=wish.force, forced=wish.force)
    own = _bridge_addresses(wish, facts)
    why = f"{wish.card} becomes a port of {wish.bridge}: its guests are on that LAN"
    tag = _tag(wish.card)
    rules = [
        OwnRule(
            wish.machine,
            "nat",
            "POSTROUTING",
            f"{tag}:{number}",
            ("-s", str(IPv4Interface(one).network)),
            ("-j", "ACCEPT"),
            "guests on the LAN are not hidden behind this machine",
            _ROWS,
        )
        for number, one in enumerate(own)
    ]
    uplink = BridgedUplink(wish.machine, wish.card, wish.bridge, why, keep=own, rows=_ROWS)
    return _prepared(fleet, snapshot, (*rules, uplink), _notes(wish))


def prepare_detach(fleet: Fleet, machine: str, card: str, say: Callable[[str, str], None]) -> Prepared:
    """Plans to give the card back what was its own, and the bridge its NAT. Changes nothing.

    Raises:
        InputError: the card is no port of a bridge by `net attach`.
        Unreachable: the machine cannot be seen.
    """
    snapshot, facts = observe(fleet, machine, say)
    link = next((one for one in facts.links or () if one.name == card), None)
    subnets = _subnets_of(facts, card)
    if link is None or link.master is None or not subnets:
        raise InputError(f"{machine}: {card} is in no bridge by `wslnet net attach`", machine=machine)
    keep = tuple(
        text
        for one in facts.addresses_of(link.master)
        if one.family == IPV4 and str(IPv4Interface(text := f"{one.address}/{one.prefix}").network) in subnets
    )
    why = f"{card} leaves {link.master}"
    back = BridgedUplink(machine, card, link.master, why, keep=keep, present=False, rows=_ROWS)
    rules = rules_with_comment(machine, f"{OWN_MARK}{_tag(card)}", facts, why)
    return _prepared(fleet, snapshot, (back, *rules), [])


def _tag(card: str) -> str:
    return f"attach:{card}"


def _bridge_addresses(wish: AttachWish, facts: LinuxFacts) -> tuple[str, ...]:
    found = next((one for one in facts.links or () if one.name == wish.bridge), None)
    if found is None or found.kind != "bridge":
        raise InputError(f"{wish.machine} has no bridge {wish.bridge!r}", machine=wish.machine)
    attached = _subnets_of(facts, wish.card)
    own = tuple(
        text
        for one in facts.addresses_of(wish.bridge)
        if one.family == IPV4
        and (str(IPv4Interface(text := f"{one.address}/{one.prefix}").network) in attached or not attached)
    )
    if not own:
        raise PlanRefused(
            f"{wish.machine}: bridge {wish.bridge} has no address, so nothing is behind NAT there",
            machine=wish.machine,
            hint=f"wslnet net create NAME --on {wish.machine} --mode l2 --uplink {wish.card}",
        )
    return own


def _subnets_of(facts: LinuxFacts, card: str) -> frozenset[str]:
    """The bridge's own subnets, as the rules say that were made when the card was plugged in."""
    return frozenset(
        value
        for table in (tables(facts.firewall) if facts.firewall is not None else ())
        for chain in table.chains.values()
        for rule in chain.listed
        if (rule.comment or "").startswith(f"{OWN_MARK}{_tag(card)}:")
        for value in rule.values(Field.SRC)
    )


def _notes(wish: AttachWish) -> list[str]:
    return [
        f"{wish.card} loses its addresses to {wish.bridge}; all happens in one step, under a guard",
        f"a DHCP server on {wish.bridge} (libvirt's dnsmasq) then offers addresses to the whole LAN",
        "so turn it off in the network's definition first, or machines of the LAN may take one",
        "libvirt's own guests keep their addresses until they ask again, and reach nobody by NAT any more",
        "where that worked before, it must be agreed to: --allow-regression GUEST->MACHINE",
        f"nothing of this outlives a restart; back with: wslnet net detach {wish.card} --on {wish.machine}",
    ]


def _prepared(
    fleet: Fleet, snapshot: Snapshot, resources: tuple[Resource, ...], notes: list[str]
) -> Prepared:
    plan = make_plan(snapshot, resources, notes=notes)
    return Prepared(fleet, SetupOptions(), snapshot, resources, plan, lambda _: resources)
