"""Does systemd run WSL? Units start with the distro only then; process 1 tells, not the file.

The key is told and not written: whether the distro has a systemd to start is not known from here, and one
that has none would fail at each start.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet.checks.parts.findings import REACHABLE, Findings
from wslnet.checks.parts.wsl import on_wsl
from wslnet.model.finding import Check, Finding, Fix, Status
from wslnet.model.machine import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wslnet.model.linux_facts import LinuxFacts
    from wslnet.model.snapshot import Snapshot

_SAY = Findings("wsl.systemd", docs="https://learn.microsoft.com/windows/wsl/systemd")

_SYSTEMD = "systemd"


def _judge(_snapshot: Snapshot, machine: str, facts: LinuxFacts) -> Iterator[Finding]:
    if facts.platform is None or not facts.platform.init:
        yield _SAY.unread(machine, "process 1")
    elif facts.platform.init == _SYSTEMD:
        yield _SAY.ok(machine, "systemd runs WSL", f"{machine}: process 1 is {_SYSTEMD}")
    else:
        yield _SAY.problem(
            Status.WARN,
            machine,
            "systemd does not run WSL",
            evidence=(f"{machine}: process 1 is {facts.platform.init}",),
            cause="units (sshd, libvirtd, docker, a route that shall stay) do not start with the distro; "
            "[boot] systemd=true counts from its next start on",
            fix=Fix(
                "wslnet restart",
                (
                    f"in {machine}, if it has systemd: write systemd=true under [boot] of /etc/wsl.conf",
                    "let WSL start anew: wslnet restart",
                ),
            ),
        )


CHECK = Check(
    code=_SAY.code,
    title="systemd runs WSL",
    needs={Kind.WSL: frozenset({"platform"})},
    judge=on_wsl(_SAY, _judge),
    depends_on=(REACHABLE, "wsl.running"),
    docs=_SAY.docs,
)
