"""Do the machines with VMs below them forward packets? Without it everything is lost in silence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet.checks.parts.findings import REACHABLE, Findings, graded, setup_command
from wslnet.checks.parts.wires import routers, wires
from wslnet.model.finding import Check, Finding, Fix
from wslnet.model.machine import Kind
from wslnet.resources.sysctl import Sysctl

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from wslnet.model.snapshot import Snapshot

_SAY = Findings("sysctl.forward", docs="https://docs.kernel.org/networking/ip-sysctl.html")

_KEY = "net.ipv4.ip_forward"


def _judge(snapshot: Snapshot) -> Iterator[Finding]:
    for machine in routers(snapshot):
        facts = snapshot.linux(machine.name)
        if facts is None:
            yield _SAY.unseen(snapshot, machine.name)
        elif facts.sysctls is None or _KEY not in facts.sysctls:
            yield _SAY.unread(machine.name, "kernel settings")
        else:
            yield _machine(snapshot, machine.name, facts.sysctls)


def _machine(snapshot: Snapshot, machine: str, sysctls: Mapping[str, str]) -> Finding:
    keys = (
        _KEY,
        *(f"net.ipv4.conf.{link.replace('.', '/')}.forwarding" for link in _links(snapshot, machine)),
    )
    off = [key for key in keys if sysctls.get(key) == "0"]
    if not off:
        return _SAY.ok(machine, f"{machine} forwards packets", f"{machine}: {_KEY} = {sysctls[_KEY]}")
    # The first setting switches all interfaces on with it.
    wanted = [_KEY] if _KEY in off else off
    inventory = snapshot.inventory
    below = ", ".join(child.name for child in inventory.descendants(machine))
    return _SAY.problem(
        graded(wished=bool(inventory.wish.reach)),
        machine,
        f"{machine} does not forward packets",
        evidence=(f"{machine}: {key} = 0" for key in off),
        cause=f"without forwarding {machine} drops every packet between {below} and others, in silence",
        fix=Fix(
            setup_command(inventory.wish),
            tuple(f"on {machine}: sysctl -w {key}=1" for key in wanted),
            tuple(Sysctl(machine, key, "1", f"{machine} must forward for {below}") for key in wanted),
        ),
    )


def _links(snapshot: Snapshot, machine: str) -> tuple[str, ...]:
    """The machine's links towards its own VMs."""
    return tuple(dict.fromkeys(wire.link for wire in wires(snapshot, machine) if wire.parent == machine))


CHECK = Check(
    code=_SAY.code,
    title="Machines with VMs below them forward packets",
    needs={kind: frozenset({"sysctls", "addresses"}) for kind in (Kind.WSL, Kind.VM)},
    judge=_judge,
    depends_on=(REACHABLE,),
    docs=_SAY.docs,
)
