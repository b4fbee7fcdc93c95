"""Which firewall rule keeps nested VMs from the machines above them: machine, table, chain, number, text.

A packet is walked through the saved rules both ways. What this walk does not see (native nftables chains)
is said, never guessed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet.checks.parts.findings import REACHABLE, Findings, graded, setup_command
from wslnet.checks.parts.forward_filters import unread_forward_chains
from wslnet.checks.parts.wires import is_wished, routers, unknown_wires, wires
from wslnet.model.finding import Check, Finding, Fix, Status
from wslnet.model.machine import Kind
from wslnet.profiles.nested import nested_resources
from wslnet.resources.forward_accept import ForwardAccept

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from wslnet.model.linux_facts import LinuxFacts
    from wslnet.model.snapshot import Snapshot
    from wslnet.netfilter.walk import Verdict

_SAY = Findings("nested.reject", docs="https://libvirt.org/firewall.html")

_LIBVIRTS = frozenset({"icmp-port-unreachable", "virbr0"})
"""Words of the REJECTs that libvirt before 5.1 puts straight into FORWARD (note 000)."""

_Blocked = tuple[ForwardAccept, "Verdict"]


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
    verdicts = [(one, one.verdict(facts)) for one in wanted]
    blocked = [(one, verdict) for one, verdict in verdicts if verdict is not None and not verdict.passes]
    unread = unread_forward_chains(facts)
    if blocked:
        return _blocked(snapshot, machine, blocked, unread)
    unknown = unknown_wires(snapshot, machine)
    if unknown or not wanted:
        reason = f"the subnets around {machine} are not all known"
        return _SAY.skip(machine, reason, *unknown, depends_on=(REACHABLE,))
    if unread:
        return _SAY.problem(
            Status.WARN,
            machine,
            f"{machine} has firewall chains on the way of nested VMs that were not evaluated",
            evidence=unread,
            cause="an accept in one chain does not keep another chain from rejecting (linux-facts B2)",
            fix=Fix("wslnet matrix", ("measure with packets whether anything is blocked",)),
        )
    evidence = (f"{machine} filter FORWARD: {one.src} -> {one.dst} passes" for one, _ in verdicts)
    return _SAY.ok(machine, f"{machine} lets its nested VMs through, both ways", *evidence)


def _blocked(snapshot: Snapshot, machine: str, blocked: Sequence[_Blocked], unread: Sequence[str]) -> Finding:
    certain = any(verdict.target != "UNKNOWN" for _, verdict in blocked)
    inventory = snapshot.inventory
    subnets = {prefix for one, _ in blocked for prefix in (one.src, one.dst)}
    inner = [wire.child for wire in wires(snapshot, machine) if wire.subnet in subnets]
    wished = any(is_wished(inventory, child, machine) for child in inner)
    accepts = tuple(one for one, _ in blocked)
    return _SAY.problem(
        graded(wished=wished and certain),
        machine,
        f"{machine} keeps {', '.join(inner)} from the machines above",
        evidence=(*(_evidence(machine, one, verdict) for one, verdict in blocked), *unread),
        cause=_cause(next((verdict for _, verdict in blocked if verdict.target != "UNKNOWN"), blocked[0][1])),
        fix=Fix(
            setup_command(inventory.wish),
            tuple(
                f"on {machine}, above that rule: iptables -I FORWARD 1 -s {one.src} -d {one.dst} -j ACCEPT"
                for one in accepts
            ),
            accepts,
        ),
    )


def _cause(verdict: Verdict) -> str:
    rule = verdict.rule
    if verdict.target == "UNKNOWN":
        return "a rule on the way uses a match that wslnet does not evaluate"
    if rule is None:
        return "the chain drops what no rule accepts; Docker, among others, sets that policy"
    if verdict.target == "REJECT" and (verdict.chain.startswith("LIBVIRT_") or _LIBVIRTS & set(rule.spec)):
        return (
            "a NAT network of libvirt rejects every connection to its VMs that they did not open themselves"
        )
    return "somebody's rule refuses new connections between these subnets"


def _evidence(machine: str, accept: ForwardAccept, verdict: Verdict) -> str:
    """`vm1 filter FORWARD rule 7: REJECT -o virbr0 … (4 packets); stops 192.168.122.0/24 -> …`."""
    rule = verdict.rule
    may = "may stop" if verdict.target == "UNKNOWN" else "stops"
    way = f"{may} {accept.src} -> {accept.dst}"
    if rule is None:
        return f"{machine} filter {verdict.chain} policy: {verdict.target}; {way}"
    words = " ".join([str(rule.target), *rule.text.replace(f"-j {rule.target}", "", 1).split()])
    count = "" if rule.packets is None else f" ({rule.packets} packets)"
    return f"{machine} filter {verdict.chain} rule {rule.number}: {words}{count}; {way}"


CHECK = Check(
    code=_SAY.code,
    title="No firewall rule cuts nested VMs off",
    needs={kind: frozenset({"addresses", "firewall"}) for kind in (Kind.WSL, Kind.VM)},
    judge=_judge,
    depends_on=(REACHABLE,),
    docs=_SAY.docs,
)
