"""Was every machine seen? An unseen one is the root of whatever cannot be judged because of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet.checks.parts.findings import REACHABLE, Findings, look_again
from wslnet.model.finding import Check, Finding, Status
from wslnet.model.linux_facts import LinuxFacts
from wslnet.model.machine import Kind, Machine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wslnet.model.snapshot import MachineFacts, Snapshot, Unseen

_SAY = Findings(REACHABLE)

_SILENT = frozenset({"deadline-exceeded", "unreachable"})
"""Codes of what may be a network that is dead; the others come from machines that answer."""

_CAUSES = {
    "stopped": ("it does not run", "start it"),
    "authentication-failed": (
        "it answers and refuses the user, the key or the password",
        "correct user, key or secret in the inventory, or put the key on the machine",
    ),
    "host-key-mismatch": (
        "it shows another host key than the pinned one: it was made anew, or it is not that machine",
        "if it was made anew, remove its pinned key from the inventory's state folder",
    ),
    "host-key-unknown": (
        "no host key is pinned for it, and wslnet trusts none that it was not told",
        "pin its host key in the inventory's state folder, after comparing it on the machine itself",
    ),
    "agent-error": (
        "it answers, and what it answers makes no sense to wslnet",
        "run again; if it stays so, it is a fault in wslnet that should be reported",
    ),
    "deadline-exceeded": (
        "no answer came in time: it is off, overloaded, or something on the way drops packets",
        "look whether it runs, and whether its address is right",
    ),
    "needs-elevation": (
        "the user may log in and may not become root there",
        "let the user use sudo without a password, or give the password as `secret` in the inventory",
    ),
    "unsupported": (
        "it answers and lacks what wslnet needs there",
        "install what the message names",
    ),
}
_NO_ANSWER = (
    "nobody answers at its address: it is off, the address is wrong, or its SSH or WinRM does not listen",
    "look whether it runs, whether its address is right and whether its SSH server (Windows: WinRM) runs",
)


def _judge(snapshot: Snapshot) -> Iterator[Finding]:
    for machine in snapshot.inventory.machines.values():
        facts = snapshot.facts.get(machine.name)
        unseen = snapshot.unseen.get(machine.name)
        if facts is not None:
            yield _seen(machine, facts)
        elif unseen is None:
            yield _SAY.skip(machine.name, f"{machine.name} was not asked")
        else:
            yield _not_seen(snapshot, machine, unseen)


def _seen(machine: Machine, facts: MachineFacts) -> Finding:
    """Seen, with what its agent could not read; a part of a reading is told and warns of nothing."""
    errors = facts.errors or {}
    told = [
        f"{machine.name}: {name} could not be read: {one.message} ({one.code})"
        for name, one in sorted(errors.items())
    ]
    missing = sorted(name for name in errors if "/" not in name)
    if not missing:
        return _SAY.ok(machine.name, f"{machine.name} was seen", *_identity(facts), *told)
    return _SAY.problem(
        Status.WARN,
        machine.name,
        f"{machine.name} was seen without its {' and '.join(missing)}",
        evidence=(*_identity(facts), *told),
        cause="its agent could not read them, so what rests on them is not judged",
        fix=look_again(REACHABLE, "mend what the messages name"),
    )


def _not_seen(snapshot: Snapshot, machine: Machine, unseen: Unseen) -> Finding:
    cause, step = _CAUSES.get(unseen.code, _NO_ANSWER)
    evidence = [f"{machine.name}: {unseen.code}: {unseen.reason}"]
    domain = _domain_state(snapshot, machine)
    if domain is not None and domain != "running":
        evidence.append(f"{machine.parent}: libvirt says that {machine.name} is {domain}")
        cause = f"{machine.name} is {domain}"
        step = f"start it on {machine.parent}: virsh start {machine.name}"
    depends_on: tuple[str, ...] = ()
    blind = next(
        (one for one in snapshot.inventory.ancestors(machine.name) if one.name in snapshot.unseen), None
    )
    if machine.kind is Kind.WSL and (unseen.code == "stopped" or _is_stopped(snapshot)):
        cause, step = "WSL does not run", "start WSL: wslnet doctor --wake"
        depends_on = ("wsl.running",)
    elif machine.kind is Kind.WSL and _has_no_network(snapshot):
        cause, step = "WSL runs in mode none: it has no network", "let it start anew: wslnet restart"
    elif machine.kind is Kind.WSL and unseen.code in _SILENT and _runs(snapshot):
        step = f"{step}; a network that died while Windows slept comes back with WSL: wslnet restart"
    elif blind is not None:
        cause = f"{blind.name}, through which it is reached, was not seen"
        step = f"first make {blind.name} reachable"
        depends_on = (REACHABLE,)
    return _SAY.problem(
        # A peer only watches: without it some probes are not measured, and nothing is broken.
        Status.WARN if machine.kind is Kind.PEER else Status.FAIL,
        machine.name,
        f"{machine.name} cannot be seen",
        evidence=evidence,
        cause=cause,
        fix=look_again(REACHABLE, step),
        depends_on=depends_on,
    )


def _is_stopped(snapshot: Snapshot) -> bool:
    service = snapshot.windows.wsl if snapshot.windows is not None else None
    return service is not None and not service.running


def _runs(snapshot: Snapshot) -> bool:
    service = snapshot.windows.wsl if snapshot.windows is not None else None
    return service is not None and service.running


def _has_no_network(snapshot: Snapshot) -> bool:
    service = snapshot.windows.wsl if snapshot.windows is not None else None
    return service is not None and service.mode == "none"


def _domain_state(snapshot: Snapshot, machine: Machine) -> str | None:
    """What the parent's libvirt says, if it has a domain of the machine's name."""
    parent = snapshot.linux(machine.parent) if machine.parent is not None else None
    domains = (parent.domains if parent is not None else None) or ()
    return next((domain.state for domain in domains if domain.name == machine.name), None)


def _identity(facts: MachineFacts) -> tuple[str, ...]:
    if isinstance(facts, LinuxFacts):
        one = facts.identity
        return () if one is None else (f"{one.hostname}: kernel {one.kernel}, Python {one.python}",)
    return () if facts.os is None else (f"Windows build {facts.os.build}.{facts.os.revision}",)


CHECK = Check(
    code=REACHABLE,
    title="Every machine of the inventory can be seen",
    needs={
        Kind.WINDOWS: frozenset({"os", "wsl"}),
        Kind.WSL: frozenset({"identity", "domains"}),
        Kind.VM: frozenset({"identity", "domains"}),
        Kind.PEER: frozenset({"identity"}),
    },
    judge=_judge,
    depends_on=("wsl.running",),
)
