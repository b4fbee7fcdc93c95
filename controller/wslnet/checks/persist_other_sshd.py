"""Is this distribution's SSH port another WSL distribution's? All of them share one network namespace."""

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

_SAY = Findings("persist.other-sshd", docs="https://learn.microsoft.com/windows/wsl/networking")

_SSH_PORT = 22


def _judge(snapshot: Snapshot, machine: str, facts: LinuxFacts) -> Iterator[Finding]:
    if facts.listeners is None or facts.identity is None:
        yield _SAY.unread(machine, "listeners")
    elif facts.identity.uid != 0:
        yield _SAY.skip(machine, "only root sees whose a listener is")
    else:
        port = snapshot.inventory[machine].port or _SSH_PORT
        held = [one for one in facts.listeners if (one.proto, one.port) == ("tcp", port)]
        strange = [one for one in held if one.process is None]
        if not strange:
            yield _SAY.ok(machine, f"port {port} is no other distribution's")
        else:
            yield _SAY.problem(
                Status.WARN,
                machine,
                f"port {port} is held by another distribution",
                evidence=(f"{machine}: {one.address}:{port}, by no process here" for one in strange),
                cause="distributions share one network, so only one can have the port; which one answers is "
                "decided by who starts first",
                fix=look_again(
                    _SAY.code, "give the SSH server of the other distribution another port (sshd_config)"
                ),
            )


CHECK = Check(
    code=_SAY.code,
    title="The SSH port belongs to this distribution",
    needs={Kind.WSL: frozenset({"identity", "listeners"})},
    judge=on_wsl(_SAY, _judge),
    depends_on=(REACHABLE,),
    docs=_SAY.docs,
)
