"""`wslnet rules`: the filter and NAT rules of Linux machines, and the deletion of one by its exact words."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from wslnet.app.setup import Prepared
from wslnet.engine.gather import gather
from wslnet.engine.planner import make_plan
from wslnet.errors import AgentError, InputError
from wslnet.model.machine import Kind
from wslnet.netfilter.listing import read_any
from wslnet.netfilter.owners import owner_of
from wslnet.netfilter.rules import ID_LENGTH, Place, rule_id
from wslnet.netfilter.view import tables
from wslnet.profiles.modes import SetupOptions
from wslnet.resources.absent_rule import AbsentRule

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from pathlib import Path

    from wslnet.engine.fleet import Fleet
    from wslnet.model.machine import Inventory
    from wslnet.model.snapshot import Snapshot, Unseen
    from wslnet.netfilter.rules import Chain, Rule, Table

FAMILIES = (4, 6)
_NEEDS = frozenset({"firewall"})
_KINDS = frozenset({Kind.WSL, Kind.VM})


@dataclass(frozen=True)
class Listed:
    """Tables by machine (or file), and the machines that could not be seen."""

    tables: Mapping[str, tuple[Table, ...]]
    unseen: Mapping[str, Unseen] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Entry:
    """One rule where it stands; `owner` is who made it as far as that can be told."""

    machine: str
    table: Table
    chain: Chain
    rule: Rule

    @property
    def place(self) -> Place:
        """Its chain by name."""
        return Place(self.table.backend, self.table.family, self.table.name, self.chain.name)

    @property
    def id(self) -> str:
        """Its name for `rules delete`."""
        return rule_id(self.place, self.rule.text)

    @property
    def owner(self) -> str | None:
        """`libvirt`, `Docker`, `wslnet` …, None if nothing tells."""
        return owner_of(self.table, self.chain.name, self.rule)


def survey(fleet: Fleet, machines: Collection[str]) -> Snapshot:
    """Reads the rules of the named machines, of all Linux machines without names. Changes nothing.

    Raises:
        InputError: a named machine is none that has an agent.
        Unreachable: no machine could be seen.
        AgentError: a named machine did not tell its rules.
    """
    known = [name for name, one in fleet.inventory.machines.items() if one.kind in _KINDS]
    for name in machines:
        if name not in known:
            raise InputError(f"{name!r} is no Linux machine of {fleet.inventory.path}: {', '.join(known)}")
    wanted = [name for name in known if not machines or name in machines]
    snapshot = gather(fleet, dict.fromkeys(wanted, _NEEDS))
    if wanted and len(snapshot.unseen) == len(wanted):
        name, unseen = next(iter(snapshot.unseen.items()))
        raise unseen.error(name)
    for name in machines:
        facts = snapshot.linux(name)
        if facts is not None and facts.firewall is None:
            raise AgentError(f"{name}: has no firewall tools, or did not tell its rules", machine=name)
    return snapshot


def listed(snapshot: Snapshot, families: Collection[int]) -> Listed:
    """The tables of all machines of a snapshot."""
    return Listed(
        {name: machine_tables(snapshot, name, families) for name in snapshot.facts}, snapshot.unseen
    )


def listed_file(path: Path) -> Listed:
    """The tables in a text that somebody saved: of iptables-save, iptables -S or -L, or of nft.

    Raises:
        InputError: it cannot be read, or holds no rules.
    """
    try:
        found = read_any(path.read_text(encoding="utf-8", errors="replace"))
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from error
    if not any(table.chains for table in found):
        raise InputError(f"{path}: no firewall rules in a form that wslnet knows")
    return Listed({path.name: found})


def machine_tables(
    snapshot: Snapshot, machine: str, families: Collection[int] = FAMILIES
) -> tuple[Table, ...]:
    """All tables of a machine, back end by back end; one for both families comes once."""
    facts = snapshot.linux(machine)
    firewall = facts.firewall if facts is not None else None
    found = [table for family in families if firewall for table in tables(firewall, family)]
    return tuple({(one.backend, one.family, one.name): one for one in found}.values())


def entries(snapshot: Snapshot, machine: str) -> Iterator[Entry]:
    """All rules of a machine."""
    for table in machine_tables(snapshot, machine):
        for chain in table.chains.values():
            for rule in chain.listed:
                yield Entry(machine, table, chain, rule)


def nothing_wished(inventory: Inventory) -> Inventory:
    """The inventory without a wish: deleting a rule promises nothing about who reaches whom."""
    return replace(inventory, wish=replace(inventory.wish, reach=(), allow=(), forward=()))


def prepare_deletion(fleet: Fleet, machine: str, wanted: str) -> Prepared:
    """Plans to delete the rule whose id or whose exact words are `wanted`.

    Raises:
        InputError: no rule, or rules in several chains, or a number was given.
        PlanRefused: it could not be put back.
    """
    if wanted.isdigit() and len(wanted) < ID_LENGTH:
        raise InputError(
            f"{wanted} is a number, and numbers move when rules come and go: give the id that "
            f"`wslnet rules show --machine {machine}` prints, or the rule's exact words"
        )
    snapshot = survey(fleet, (machine,))
    hits = [one for one in entries(snapshot, machine) if wanted in {one.id, one.rule.text}]
    places = {one.place for one in hits}
    if not hits:
        raise InputError(
            f"{machine} has no rule {wanted!r}; `wslnet rules show --machine {machine}` lists them"
        )
    if len(places) > 1:
        ids = ", ".join(f"{one.id} ({one.table.title} {one.chain.name})" for one in hits)
        raise InputError(f"{machine} has that rule in several chains: give an id: {ids}")
    entry = hits[0]
    owner = entry.owner
    why = "asked for" if owner is None else f"asked for; {owner}'s, who may put it back"
    resource = AbsentRule(machine, entry.place, entry.rule.text, why, left=len(hits) - 1)
    plan = make_plan(snapshot, (resource,), notes=_notes(hits))
    return Prepared(fleet, SetupOptions(), snapshot, (resource,), plan, lambda _: (resource,))


def _notes(hits: list[Entry]) -> tuple[str, ...]:
    if len(hits) == 1:
        return ()
    numbers = ", ".join(str(one.rule.number) for one in hits)
    return (f"the same rule stands there {len(hits)} times (rules {numbers}); the first of them goes",)
