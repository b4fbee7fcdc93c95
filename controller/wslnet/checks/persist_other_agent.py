"""Does another WSL distribution run wslnet-agent too? All of them share one network namespace."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet.checks.parts.findings import REACHABLE, Findings, look_again
from wslnet.checks.parts.wsl import on_wsl
from wslnet.model.finding import Check, Finding, Status
from wslnet.model.machine import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wslnet.model.linux_facts import LinuxFacts
    from wslnet.model.snapshot import Snapshot

_SAY = Findings("persist.other-agent", docs="https://learn.microsoft.com/windows/wsl/networking")


def _judge(_snapshot: Snapshot, machine: str, facts: LinuxFacts) -> Iterator[Finding]:
    if facts.owned is None or facts.persistence is None:
        yield _SAY.unread(machine, "daemons")
    elif not facts.persistence.watched or facts.persistence.resident:
        yield _SAY.ok(machine, "no other distribution runs wslnet-agent")
    else:
        yield _SAY.problem(
            Status.WARN,
            machine,
            "another distribution runs wslnet-agent for this network",
            evidence=(f"{machine}: @wslnet-agent is taken, by no process here",),
            cause="distributions share one network, so one agent is enough, and two would work side by side "
            "from two lists",
            fix=look_again(
                _SAY.code,
                "decide which distribution keeps it; wslnet boot remove with an inventory for the other",
            ),
        )


CHECK = Check(
    code=_SAY.code,
    title="No other distribution runs wslnet-agent for this network",
    needs={Kind.WSL: frozenset({"owned", "persistence"})},
    judge=on_wsl(_SAY, _judge),
    depends_on=(REACHABLE,),
    docs=_SAY.docs,
)
