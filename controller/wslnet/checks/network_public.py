"""Does Windows take the network that leads out for a public one? Its strictest rules hold then."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet.checks.parts.findings import REACHABLE, Findings, look_again
from wslnet.checks.parts.windows import on_windows
from wslnet.model.finding import Check, Finding, Status
from wslnet.model.machine import Kind
from wslnet.model.topology import uplinks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wslnet.model.snapshot import Snapshot
    from wslnet.model.windows_facts import NetworkProfile, WindowsFacts

_SAY = Findings(
    "network.public",
    docs="https://learn.microsoft.com/powershell/module/netconnection/set-netconnectionprofile",
)

_PUBLIC = "Public"


def _judge(snapshot: Snapshot, machine: str, windows: WindowsFacts) -> Iterator[Finding]:
    if windows.profiles is None or windows.routes is None:
        yield _SAY.unread(machine, "networks and routes")
        return
    outwards = uplinks(snapshot)
    mine = [one for one in windows.profiles if one.index in outwards]
    told = tuple(f"{machine}: {one.alias} ({one.name}): {one.category}" for one in mine)
    public = [one for one in mine if one.category == _PUBLIC]
    if not public:
        yield _SAY.ok(machine, "no network that leads out is a public one", *told)
    elif not _is_published(snapshot):
        yield _SAY.ok(machine, "a network that leads out is a public one, and nothing is opened to it", *told)
    else:
        yield _problem(machine, public, told)


def _is_published(snapshot: Snapshot) -> bool:
    return bool(snapshot.inventory.wish.allow or snapshot.inventory.wish.forward)


def _problem(machine: str, public: list[NetworkProfile], told: tuple[str, ...]) -> Finding:
    return _SAY.problem(
        Status.WARN,
        machine,
        f"Windows takes {', '.join(one.alias for one in public)} for a public network",
        evidence=told,
        cause="rules for private networks do not hold there, and Windows enables no WinRM; whether it is to "
        "be trusted is yours to say, so wslnet does not change it",
        fix=look_again(
            _SAY.code,
            *(
                f"if you trust it: Set-NetConnectionProfile -InterfaceIndex {one.index} "
                "-NetworkCategory Private"
                for one in public
            ),
        ),
    )


CHECK = Check(
    code=_SAY.code,
    title="The network that leads out is one to be trusted",
    needs={Kind.WINDOWS: frozenset({"profiles", "routes"})},
    judge=on_windows(_SAY, _judge),
    depends_on=(REACHABLE,),
    docs=_SAY.docs,
)
