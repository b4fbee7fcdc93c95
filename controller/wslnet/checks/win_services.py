"""Can the services of Windows run that WSL's network rests on (wsl-facts 6, 38 and 39)?

Most start on demand, so stopped says little; disabled says it all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet.checks.parts.findings import REACHABLE, Findings, look_again
from wslnet.checks.parts.windows import on_windows
from wslnet.model.finding import Check, Finding, Status
from wslnet.model.machine import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wslnet.model.snapshot import Snapshot
    from wslnet.model.windows_facts import Service, WindowsFacts

_SAY = Findings("win.services", docs="https://learn.microsoft.com/windows/wsl/troubleshooting")

_FOR_WSL = {
    "wslservice": "WSL itself",
    "vmcompute": "the virtual machine that WSL is",
    "hns": "every network of WSL",
    "mpssvc": "the firewall, without which WSL's networks are not made",
}
_FOR_NAT = {"sharedaccess": "NAT mode"}
_FOR_RELAYS = {"iphlpsvc": "portproxy rules"}
_DISABLED = "Disabled"


def _judge(snapshot: Snapshot, machine: str, windows: WindowsFacts) -> Iterator[Finding]:
    if windows.services is None:
        yield _SAY.unread(machine, "services")
    else:
        yield _machine(snapshot, machine, windows, windows.services)


def _machine(
    snapshot: Snapshot, machine: str, windows: WindowsFacts, services: tuple[Service, ...]
) -> Finding:
    needed = dict(_FOR_WSL)
    if "nat" in {snapshot.mode, snapshot.inventory.wish.mode}:
        needed |= _FOR_NAT
    if windows.portproxy:
        needed |= _FOR_RELAYS
    told = tuple(f"{machine}: {one.name}: {one.state}, start {one.start}" for one in services)
    broken = [
        f"{machine}: {one.name} is {_state(one)}: needed for {needed[one.name.casefold()]}"
        for one in services
        if one.name.casefold() in needed and _is_broken(one)
    ]
    if not broken:
        return _SAY.ok(machine, "the services that WSL's network rests on can run", *told)
    return _SAY.problem(
        Status.FAIL,
        machine,
        "a service that WSL's network rests on cannot run",
        evidence=broken,
        cause="a tuning tool, a policy or another product has disabled or stopped it",
        fix=look_again(
            _SAY.code,
            "let it start again: Set-Service NAME -StartupType Manual (iphlpsvc, MpsSvc: Automatic)",
            "and start it: Start-Service NAME",
        ),
    )


def _is_broken(one: Service) -> bool:
    """Disabled; or stopped where nothing starts it on demand."""
    on_demand = one.name.casefold() not in _FOR_RELAYS
    return one.start == _DISABLED or (one.state == "Stopped" and not on_demand)


def _state(one: Service) -> str:
    return "disabled" if one.start == _DISABLED else "stopped"


CHECK = Check(
    code=_SAY.code,
    title="The services behind WSL's network can run",
    needs={
        Kind.WINDOWS: frozenset({"services", "portproxy", "wsl"}),
        Kind.WSL: frozenset({"wsl"}),
    },
    judge=on_windows(_SAY, _judge),
    depends_on=(REACHABLE,),
    docs=_SAY.docs,
)
