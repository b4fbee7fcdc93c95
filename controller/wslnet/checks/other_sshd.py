"""Does Windows' own OpenSSH server have the port of WSL's? In mirrored mode they share it (wsl-facts 9)."""

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

_SAY = Findings("other.sshd", docs="https://learn.microsoft.com/windows-server/administration/openssh/")

_PORT, _SERVICE, _RUNNING = 22, "sshd", "Running"


def _judge(snapshot: Snapshot, machine: str, windows: WindowsFacts) -> Iterator[Finding]:
    if windows.services is None:
        yield _SAY.unread(machine, "services")
        return
    service = next((one for one in windows.services if one.name.casefold() == _SERVICE), None)
    if service is None or service.state != _RUNNING:
        yield _SAY.ok(machine, "Windows runs no SSH server of its own")
        return
    told = [f"{machine}: service {service.name}: {service.state}"]
    told += [
        f"{machine}: {one.process or 'a process'} (pid {one.pid}) listens on {one.address}:{one.port}"
        for one in windows.listeners or ()
        if (one.proto, one.port) == ("tcp", _PORT)
    ]
    wsl = snapshot.inventory.wsl
    port = (wsl.port if wsl is not None else None) or _PORT
    if port != _PORT or "mirrored" not in {snapshot.mode, snapshot.inventory.wish.mode}:
        yield _SAY.ok(machine, "Windows' SSH server is not in the way of WSL's", *told)
        return
    yield _SAY.problem(
        Status.WARN,
        machine,
        f"Windows' own SSH server has port {_PORT}",
        evidence=told,
        cause="in mirrored mode both share one set of ports: who comes to this PC's port 22 meets Windows, "
        "and an SSH server in WSL cannot bind it; wslnet changes nothing of it",
        fix=look_again(
            _SAY.code,
            "give the SSH server in WSL another port (sshd_config), and name it in the inventory: port =",
        ),
    )


CHECK = Check(
    code=_SAY.code,
    title="Windows' SSH server leaves WSL's its port",
    needs={Kind.WINDOWS: frozenset({"services", "listeners", "wsl"}), Kind.WSL: frozenset({"wsl"})},
    judge=on_windows(_SAY, _judge),
    depends_on=(REACHABLE,),
    docs=_SAY.docs,
)
