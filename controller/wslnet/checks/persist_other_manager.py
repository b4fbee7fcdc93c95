"""Does a network manager of another WSL distribution work on the network that all of them share?"""

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

_SAY = Findings("persist.other-manager", docs="https://learn.microsoft.com/windows/wsl/networking")


def _judge(_snapshot: Snapshot, machine: str, facts: LinuxFacts) -> Iterator[Finding]:
    if facts.persistence is None:
        yield _SAY.unread(machine, "daemons")
    elif not (others := [one.name for one in facts.persistence.managers if not one.here]):
        yield _SAY.ok(machine, "no other distribution manages the network")
    else:
        yield _SAY.problem(
            Status.WARN,
            machine,
            f"{others[0]} of another distribution manages this network",
            evidence=(f"{machine}: the socket of {one}, and no such process here" for one in others),
            cause="distributions share one network: what it flushes or sets is gone or set here, too",
            fix=look_again(_SAY.code, f"switch {others[0]} off in the other distribution"),
        )


CHECK = Check(
    code=_SAY.code,
    title="No other distribution manages this network",
    needs={Kind.WSL: frozenset({"persistence"})},
    judge=on_wsl(_SAY, _judge),
    depends_on=(REACHABLE,),
    docs=_SAY.docs,
)
