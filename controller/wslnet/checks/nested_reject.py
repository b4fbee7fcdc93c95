"""Which firewall rule keeps nested VMs from the machines above them: machine, table, chain, number, text.

Packets are walked both ways through every chain that filters forwarding, whichever back end holds it. What
could not be read or evaluated is said, never guessed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet.checks.parts.findings import REACHABLE, Findings, graded, setup_command
from wslnet.checks.parts.wires import is_wished, routers, unknown_wires, wires
from wslnet.model.finding import Check, Finding, Fix, Status
from wslnet.model.machine import Kind
from wslnet.netfilter.owners import owner_of
from wslnet.netfilter.rules import NFT
from wslnet.netfilter.walk import UNKNOWN
from wslnet.profiles.nested import nested_resources
from wslnet.resources.forward_accept import ForwardAccept

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from wslnet.model.linux_facts import LinuxFacts
    from wslnet.model.snapshot import Snapshot
    from wslnet.netfilter.placing import Stop

_SAY = Findings("nested.reject", docs="https://libvirt.org/firewall.html")

_Blocked = tuple[ForwardAccept, "Stop"]


def _judge(snapshot: Snapshot) -> Iterator[Finding]:
    wanted = [one for one in nested_resources(snapshot) if isinstance(one, ForwardAccept)]
    wsl = snapshot.inventory.wsl
    for machine in routers(snapshot):
        if machine is wsl:
            # Nothing above WSL is Linux: what it forwards is its VMs' way out, which NAT takes care of.
            continue
        facts = snapshot.linux(machine.name)
        if facts is None:
            yield _SAY.unseen(snapshot, machine.name)
        elif facts.firewall is None:
            yield _SAY.unread(machine.name, "firewall")
        elif facts.addresses is None:
            yield _SAY.unread(machine.name, "addresses")
        else:
            mine = [one for one in wanted if one.machine == machine.name]
            yield _machine(snapshot, machine.name, facts, mine)


def _machine(snapshot: Snapshot, machine: str, facts: LinuxFacts, wanted: Sequence[ForwardAccept]) -> Finding:
    blocked = [(one, stop) for one in wanted if (stop := one.stop(facts)) is not None]
    unread = _unread(facts)
    if blocked:
        return _blocked(snapshot, machine, facts, blocked, unread)
    unknown = unknown_wires(snapshot, machine)
    if unknown or not wanted:
        reason = f"the subnets around {machine} are not all known"
        return _SAY.skip(machine, reason, *unknown, depends_on=(REACHABLE,))
    if unread:
        return _SAY.problem(
            Status.WARN,
            machine,
            f"{machine} may have firewall chains on the way of nested VMs that could not be read",
            evidence=unread,
            cause="an accept in one chain does not keep another chain from rejecting (linux-facts B2)",
            fix=Fix("wslnet matrix", ("measure with packets whether anything is blocked",)),
        )
    evidence = (f"{machine} {one.place}: {one.src} -> {one.dst} passes" for one in wanted)
    return _SAY.ok(machine, f"{machine} lets its nested VMs through, both ways", *evidence)


def _unread(facts: LinuxFacts) -> tuple[str, ...]:
    """In words, what of the firewall its tools did not tell: absent tools have nothing to tell."""
    errors = facts.errors or {}
    return tuple(
        f"{name.partition('/')[2]} was not read: {error.message}"
        for name, error in errors.items()
        if name.startswith("firewall/") and not name.endswith("/6")
    )


def _blocked(
    snapshot: Snapshot,
    machine: str,
    facts: LinuxFacts,
    blocked: Sequence[_Blocked],
    unread: Sequence[str],
) -> Finding:
    certain = any(stop.verdict.target != UNKNOWN for _, stop in blocked)
    inventory = snapshot.inventory
    subnets = {prefix for one, _ in blocked for prefix in (one.src, one.dst)}
    inner = [wire.child for wire in wires(snapshot, machine) if wire.subnet in subnets]
    wished = any(is_wished(inventory, child, machine) for child in inner)
    accepts = tuple(one for one, _ in blocked)
    return _SAY.problem(
        graded(wished=wished and certain),
        machine,
        f"{machine} keeps {', '.join(inner)} from the machines above",
        evidence=(*(_evidence(machine, one, stop) for one, stop in blocked), *unread),
        cause=_cause(next((stop for _, stop in blocked if stop.verdict.target != UNKNOWN), blocked[0][1])),
        fix=Fix(
            setup_command(inventory.wish),
            (
                *(f"on {machine}, above that rule: {one.command(facts)}" for one in accepts),
                *_without_filter(machine, blocked),
            ),
            accepts,
        ),
    )


def _without_filter(machine: str, blocked: Sequence[_Blocked]) -> Iterator[str]:
    """The other way where libvirt keeps a table of its own: to have it filter nothing."""
    if any(stop.base.table.name == "libvirt_network" for _, stop in blocked):
        yield (
            f"or, on {machine}, have libvirt filter nothing for that network: virsh net-edit NAME, "
            "<forward mode='open'/>; routing and NAT are then yours"
        )


def _cause(stop: Stop) -> str:
    verdict = stop.verdict
    owner = owner_of(stop.base.table, verdict.chain, verdict.rule)
    if verdict.target == UNKNOWN:
        return "a rule on the way uses a match that wslnet does not evaluate"
    if owner == "libvirt":
        return (
            "a NAT network of libvirt rejects every connection to its VMs that they did not open themselves"
        )
    if verdict.rule is None:
        by = f"{owner} sets that policy" if owner is not None else "Docker, among others, sets that policy"
        return f"the chain drops what no rule accepts; {by}"
    return f"{owner or 'somebody'}'s rule refuses new connections between these subnets"


def _evidence(machine: str, accept: ForwardAccept, stop: Stop) -> str:
    """`vm1 filter FORWARD rule 7: REJECT -o virbr0 … (4 packets); stops 192.168.122.0/24 -> …`."""
    verdict, table = stop.verdict, stop.base.table
    rule = verdict.rule
    may = "may stop" if verdict.target == UNKNOWN else "stops"
    way = f"{may} {accept.src} -> {accept.dst}"
    if rule is None:
        return f"{machine} {table.title} {verdict.chain} policy: {verdict.target}; {way}"
    words = rule.text
    if table.backend != NFT:
        name = rule.target or str(rule.act)
        words = " ".join([name, *words.replace(f"-j {name}", "", 1).split()])
    count = "" if rule.packets is None else f" ({rule.packets} packets)"
    return f"{machine} {table.title} {verdict.chain} rule {rule.number}: {words}{count}; {way}"


CHECK = Check(
    code=_SAY.code,
    title="No firewall rule cuts nested VMs off",
    needs={kind: frozenset({"addresses", "firewall"}) for kind in (Kind.WSL, Kind.VM)},
    judge=_judge,
    depends_on=(REACHABLE,),
    docs=_SAY.docs,
)
