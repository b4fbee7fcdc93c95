"""Does Docker Desktop run? It shares WSL's machine, and a restart of WSL takes it down (wsl-facts 2.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet.checks.parts.findings import REACHABLE, Findings, look_again
from wslnet.checks.parts.windows import on_windows
from wslnet.model.finding import Check, Finding, Status
from wslnet.model.machine import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wslnet.model.snapshot import Snapshot
    from wslnet.model.windows_facts import WindowsFacts

_SAY = Findings("other.docker-desktop", docs="https://github.com/docker/for-win/issues/6261")

_DISTRO, _SERVICE, _RUNNING = "docker-desktop", "com.docker.service", "Running"


def _judge(_snapshot: Snapshot, machine: str, windows: WindowsFacts) -> Iterator[Finding]:
    if windows.wsl is None or windows.services is None:
        yield _SAY.unread(machine, "distributions and services")
        return
    found = {
        f"{machine}: distribution {one.name}: {one.state}": one.state == _RUNNING
        for one in windows.wsl.distros
        if one.name.casefold() == _DISTRO
    }
    found |= {
        f"{machine}: service {one.name}: {one.state}": one.state == _RUNNING
        for one in windows.services
        if one.name.casefold() == _SERVICE
    }
    if not any(found.values()):
        yield _SAY.ok(
            machine, "Docker Desktop does not run" if found else "there is no Docker Desktop", *found
        )
        return
    yield _SAY.problem(
        Status.WARN,
        machine,
        "Docker Desktop runs in the same virtual machine",
        evidence=found,
        cause="a restart of WSL stops it with all its containers, and it does not come back by itself "
        "(docker/for-win#6261); its rules stand in the network that all distributions share",
        fix=look_again(
            _SAY.code, "quit Docker Desktop before WSL is restarted, and start it again afterwards"
        ),
    )


CHECK = Check(
    code=_SAY.code,
    title="Docker Desktop is not disturbed by a restart of WSL",
    needs={Kind.WINDOWS: frozenset({"services", "wsl"})},
    judge=on_windows(_SAY, _judge),
    depends_on=(REACHABLE,),
    docs=_SAY.docs,
)
