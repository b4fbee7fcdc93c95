"""Is the distro that the inventory names there, of WSL 2, and one of the user's own?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet.checks.parts.findings import REACHABLE, Findings, look_again
from wslnet.model.finding import Check, Finding, Fix, Status
from wslnet.model.machine import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wslnet.model.machine import Machine
    from wslnet.model.snapshot import Snapshot
    from wslnet.model.windows_wsl import Distro

_SAY = Findings("wsl.distro", docs="https://learn.microsoft.com/windows/wsl/basic-commands")

_DOCKER = "docker-desktop"


def _judge(snapshot: Snapshot) -> Iterator[Finding]:
    machine = snapshot.inventory.wsl
    if machine is None:
        return
    service = snapshot.windows.wsl if snapshot.windows is not None else None
    windows = snapshot.inventory.windows
    if service is None and windows is not None and snapshot.windows is None:
        yield _SAY.skip(
            machine.name, "Windows, which knows the distros, was not seen", depends_on=(REACHABLE,)
        )
    elif service is None or not service.distros:
        yield _SAY.skip(machine.name, "Windows tells no distro", depends_on=("wsl.version",))
    else:
        yield _distro(machine, service.distros)


def _distro(machine: Machine, distros: tuple[Distro, ...]) -> Finding:
    listed = tuple(f"{one.name}: WSL {one.version}{', default' if one.default else ''}" for one in distros)
    wanted = [
        one
        for one in distros
        if (one.default if machine.distro is None else one.name.casefold() == machine.distro.casefold())
    ]
    if not wanted:
        name = machine.distro or "(the default one)"
        return _SAY.problem(
            Status.FAIL,
            machine.name,
            f"there is no distro {name}",
            evidence=listed,
            cause="it was renamed or unregistered, or the inventory has its name wrong",
            fix=look_again(_SAY.code, f"correct `distro` of machines.{machine.name} in the inventory"),
        )
    (found, *_) = wanted
    if found.version == 1:
        return _SAY.problem(
            Status.FAIL,
            machine.name,
            f"{found.name} is a distro of WSL 1",
            evidence=listed,
            cause="WSL 1 has no network of its own: no mode, no VMs, no firewall of its own",
            fix=Fix(
                "wslnet doctor --only wsl.distro",
                (f"convert it: wsl.exe --set-version {found.name} 2", "or name another distro"),
            ),
        )
    if found.name.casefold().startswith(_DOCKER):
        return _SAY.problem(
            Status.WARN,
            machine.name,
            f"{found.name} is Docker Desktop's own distro",
            evidence=listed,
            cause="Docker Desktop replaces it at will, and it has no Python to look from",
            fix=look_again(_SAY.code, "name a distro of your own in the inventory, or make one the default"),
        )
    return _SAY.ok(machine.name, f"{found.name} is a distro of WSL 2", *listed)


CHECK = Check(
    code=_SAY.code,
    title="The distro is there and of WSL 2",
    needs={Kind.WINDOWS: frozenset({"wsl"})},
    judge=_judge,
    depends_on=(REACHABLE, "wsl.version"),
    docs=_SAY.docs,
)
