"""Does WSL run? It stops by itself when nobody uses it, whatever services are in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet.checks.parts.findings import REACHABLE, Findings
from wslnet.checks.parts.wslconfig import around_wslconfig, config_of
from wslnet.model.finding import Check, Finding, Fix, Status
from wslnet.model.machine import Kind
from wslnet.resources.wslconfig_keys import WslConfigKeys

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wslnet.model.change import Resource
    from wslnet.model.machine import Machine
    from wslnet.model.snapshot import Snapshot
    from wslnet.model.windows_wsl import WslService

_SAY = Findings("wsl.running", docs="https://learn.microsoft.com/windows/wsl/wsl-config")

_STAY = "general.instanceIdleTimeout"
_STAYS_SINCE = (2, 5)
_IDLE = (
    "WSL stops a distro 15 s after its last wsl.exe client has gone, and the VM 60 s after its last distro; "
    "services such as sshd or libvirt do not hold it"
)


def _judge(snapshot: Snapshot) -> Iterator[Finding]:
    machine = snapshot.inventory.wsl
    if machine is None:
        return
    service = snapshot.windows.wsl if snapshot.windows is not None else None
    unseen = snapshot.unseen.get(machine.name)
    if snapshot.linux(machine.name) is not None:
        yield _SAY.ok(machine.name, "WSL runs", *(_distros(service) if service is not None else ()))
    elif service is not None and not service.installed:
        yield _SAY.skip(machine.name, "WSL is not installed", depends_on=("wsl.version",))
    elif service is not None and service.error is not None:
        yield _SAY.skip(machine.name, "wsl.exe could not be asked", service.error, depends_on=("wsl.remote",))
    elif service is not None and not service.running:
        yield _stopped(snapshot, machine, _distros(service) or ("no distro is installed",))
    elif service is not None:
        yield _SAY.ok(machine.name, "WSL runs", *_distros(service))
    elif unseen is not None and unseen.code == "stopped":
        yield _stopped(snapshot, machine, (unseen.reason,))
    else:
        yield _SAY.skip(
            machine.name, "Windows, which knows whether WSL runs, did not tell", depends_on=(REACHABLE,)
        )


def _stopped(snapshot: Snapshot, machine: Machine, evidence: tuple[str, ...]) -> Finding:
    return _SAY.problem(
        Status.FAIL,
        machine.name,
        "WSL is stopped",
        evidence=(*evidence, *_unregistered(snapshot)),
        cause=_IDLE,
        fix=Fix(
            "wslnet doctor --wake",
            (
                f"start it: wsl.exe -d {machine.distro or 'DISTRO'} -u root -e true, or wslnet doctor --wake",
                "to have it stay: wslnet boot install, which starts and holds it",
                "or without that: wslnet config set general.instanceIdleTimeout -1",
            ),
            tuple(_to_stay(snapshot)),
            restarts=_is_wished(snapshot),
        ),
    )


def _unregistered(snapshot: Snapshot) -> Iterator[str]:
    """What else does not work because WSL has not started since Windows has (docsWSL#1869)."""
    firewall = snapshot.windows.hyperv_firewall if snapshot.windows is not None else None
    if firewall is not None and firewall.supported and not firewall.creator_registered:
        yield (
            "WSL is not registered at the Hyper-V firewall before it has started: "
            "Set-NetFirewallHyperVVMSetting finds nothing (ObjectNotFound)"
        )


def _to_stay(snapshot: Snapshot) -> Iterator[Resource]:
    """That WSL stays once it is started, where something is wished of it and nobody has said otherwise."""
    config, windows = config_of(snapshot), snapshot.inventory.windows
    version = around_wslconfig(snapshot).version or ()
    if windows is None or config is None or not _is_wished(snapshot) or version < _STAYS_SINCE:
        return
    if config.value(_STAY) is None:
        why = "services do not hold WSL (microsoft/WSL#9968)"
        yield WslConfigKeys(windows.name, {_STAY: "-1"}, why, rows=(), restarts=False)


def _is_wished(snapshot: Snapshot) -> bool:
    """Whether anything is wished that takes a WSL that runs."""
    wish = snapshot.inventory.wish
    return bool(wish.reach or wish.allow or wish.forward)


def _distros(service: WslService) -> tuple[str, ...]:
    return tuple(f"distro {distro.name}: {distro.state}" for distro in service.distros)


CHECK = Check(
    code=_SAY.code,
    title="WSL runs",
    needs={
        Kind.WINDOWS: frozenset({"hyperv_firewall", "wsl", "wslconfig"}),
        Kind.WSL: frozenset({"identity"}),
    },
    judge=_judge,
    depends_on=("machine.reachable", "wsl.version"),
    docs=_SAY.docs,
)
