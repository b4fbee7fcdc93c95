"""Where wslnet-agent is installed: does the machine's start call it, and does it run?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet.checks.parts.findings import REACHABLE, Findings
from wslnet.checks.parts.linux import linux_machines
from wslnet.model.finding import Check, Finding, Fix, Status
from wslnet.model.machine import Kind
from wslnet.profiles.persistence import starters

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wslnet.model.linux_facts import LinuxFacts, Persistence
    from wslnet.model.snapshot import Snapshot

_SAY = Findings("persist.start", docs="https://learn.microsoft.com/windows/wsl/systemd")


def _judge(snapshot: Snapshot) -> Iterator[Finding]:
    for machine in linux_machines(snapshot):
        facts = snapshot.linux(machine.name)
        if facts is None:
            yield _SAY.unseen(snapshot, machine.name)
        elif facts.owned is None or facts.persistence is None:
            yield _SAY.unread(machine.name, "ways to start")
        elif not facts.owned.agent:
            yield _SAY.skip(machine.name, "wslnet-agent is not installed (`wslnet boot install`)")
        else:
            yield _machine(machine.name, facts, facts.persistence, is_wsl=machine.kind is Kind.WSL)


def _machine(machine: str, facts: LinuxFacts, found: Persistence, *, is_wsl: bool) -> Finding:
    callers = starters(facts, is_wsl=is_wsl)
    wrong = []
    if not callers:
        wrong.append("neither systemd nor ifupdown, NetworkManager or libvirt is there to call it")
    if found.systemd and not found.enabled.unit:
        wrong.append("wslnet-agent.service is there and not enabled")
    if not found.watched:
        wrong.append("it does not run")
    if not wrong:
        return _SAY.ok(machine, "what wslnet owns is put back by itself", f"called by {', '.join(callers)}")
    return _SAY.problem(
        Status.WARN,
        machine,
        "what wslnet owns is not put back by itself",
        evidence=(f"{machine}: {one}" for one in wrong),
        cause="wslnet-agent only acts when something calls it, and watches only while it runs",
        fix=Fix("wslnet boot install", ("install again what is missing: wslnet boot install",)),
    )


CHECK = Check(
    code=_SAY.code,
    title="wslnet-agent is called when a machine starts, and runs",
    needs={kind: frozenset({"owned", "persistence"}) for kind in (Kind.WSL, Kind.VM)},
    judge=_judge,
    depends_on=(REACHABLE,),
    docs=_SAY.docs,
)
