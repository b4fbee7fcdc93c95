"""Can the services of Windows run that WSL's network rests on (wsl-facts 6, 38 and 39)?

Most start on demand, so stopped says little; disabled says it all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet.checks.parts.findings import REACHABLE, Findings
from wslnet.checks.parts.windows import on_windows
from wslnet.checks.parts.wslconfig import MODE_KEY, config_of, same_mode
from wslnet.model.finding import Check, Finding, Fix, Status
from wslnet.model.machine import Kind
from wslnet.resources.running_service import RunningService

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
_BY_ITSELF = frozenset({"iphlpsvc", "wslservice"})
"""Those that Windows starts at each boot; the others start when they are needed."""

_GUARDED = frozenset({"mpssvc"})
"""Windows lets nobody change it through the service manager."""


def _judge(snapshot: Snapshot, machine: str, windows: WindowsFacts) -> Iterator[Finding]:
    if windows.services is None:
        yield _SAY.unread(machine, "services")
    else:
        yield _machine(snapshot, machine, windows, windows.services)


def _machine(
    snapshot: Snapshot, machine: str, windows: WindowsFacts, services: tuple[Service, ...]
) -> Finding:
    needed = dict(_FOR_WSL)
    asked = _asked(snapshot)
    if "nat" in {snapshot.mode, snapshot.inventory.wish.mode, asked}:
        needed |= _FOR_NAT
    if windows.portproxy:
        needed |= _FOR_RELAYS
    known = {*_FOR_WSL, *_FOR_NAT, *_FOR_RELAYS}
    told = tuple(
        f"{machine}: {one.name}: {one.state}, start {one.start}"
        for one in services
        if one.name.casefold() in known
    )
    broken = [one for one in services if one.name.casefold() in needed and _is_broken(one)]
    if not broken:
        return _SAY.ok(machine, "the services that WSL's network rests on can run", *told)
    return _SAY.problem(
        Status.FAIL,
        machine,
        "a service that WSL's network rests on cannot run",
        evidence=(
            f"{machine}: {one.name} is {_state(one)}: needed for {needed[one.name.casefold()]}"
            for one in broken
        ),
        cause="a tuning tool, a policy or another product has disabled or stopped it",
        fix=Fix(
            f"wslnet doctor --fix --only {_SAY.code}",
            (
                "let it start again: Set-Service NAME -StartupType Manual (iphlpsvc: Automatic)",
                "and start it: Start-Service NAME",
                "MpsSvc: set Start to 2 in HKLM\\SYSTEM\\CurrentControlSet\\Services\\MpsSvc, then reboot",
            ),
            tuple(
                _mended(machine, one, needed[one.name.casefold()], fell_back=_fell_back(snapshot, asked))
                for one in broken
                if one.name.casefold() not in _GUARDED
            ),
        ),
    )


def _asked(snapshot: Snapshot) -> str | None:
    """The mode that `.wslconfig` asks for; NAT is what WSL takes without a word."""
    config = config_of(snapshot)
    return None if config is None else (config.value(MODE_KEY) or "nat").lower()


def _fell_back(snapshot: Snapshot, asked: str | None) -> bool:
    """Whether WSL came up without the network that it was to have."""
    service = snapshot.windows.wsl if snapshot.windows is not None else None
    running = service is not None and service.running
    return running and asked is not None and not same_mode(snapshot.mode, asked)


def _mended(machine: str, one: Service, purpose: str, *, fell_back: bool) -> RunningService:
    name = one.name.casefold()
    start = "Automatic" if name in _BY_ITSELF else "Manual"
    restarts = fell_back and name not in _FOR_RELAYS
    return RunningService(machine, one.name, start, f"needed for {purpose}", restarts=restarts)


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
        Kind.WINDOWS: frozenset({"services", "portproxy", "wsl", "wslconfig"}),
        Kind.WSL: frozenset({"wsl"}),
    },
    judge=on_windows(_SAY, _judge),
    depends_on=(REACHABLE,),
    docs=_SAY.docs,
)
