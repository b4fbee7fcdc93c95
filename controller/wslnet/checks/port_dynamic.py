"""Do Windows' dynamic ports begin where they should? Some WSL let no program bind one of them.

In mirrored mode WSL asks Windows before every bind. Releases 2.8.7 to 2.9.4 are refused every dynamic port
(wsl-facts 6, no. 28), which nobody notices until the range was moved down to 1024.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet.checks.parts.findings import REACHABLE, Findings, graded
from wslnet.checks.parts.windows import on_windows
from wslnet.checks.parts.wslconfig import numbers
from wslnet.model.finding import Check, Finding, Fix
from wslnet.model.machine import Kind
from wslnet.resources.dynamic_ports import USUAL, DynamicPorts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wslnet.model.snapshot import Snapshot
    from wslnet.model.windows_facts import PortRanges, WindowsFacts

_SAY = Findings("port.dynamic", docs="https://github.com/microsoft/WSL/issues/40984")

_FIRST, _ = USUAL
_REFUSED_ALL = (2, 8, 7), (2, 9, 4)
_RELEASE = 3


def _judge(snapshot: Snapshot, machine: str, windows: WindowsFacts) -> Iterator[Finding]:
    ranges = [one for one in windows.port_ranges or () if one.dynamic is not None]
    if "mirrored" not in {snapshot.inventory.wish.mode, snapshot.mode}:
        yield _SAY.skip(machine, "this is of mirrored mode only")
    elif not ranges or windows.wsl is None:
        yield _SAY.unread(machine, "dynamic ports and WSL")
    else:
        yield _windows(snapshot, machine, windows.wsl.version, ranges)


def _windows(snapshot: Snapshot, machine: str, version: str | None, ranges: list[PortRanges]) -> Finding:
    told = [f"{machine}: dynamic {one.proto} ports {_words(one)}" for one in ranges]
    moved = [one for one in ranges if one.dynamic is not None and one.dynamic[0] < _FIRST]
    if not moved:
        return _SAY.ok(machine, "Windows' dynamic ports are where they should be", *told)
    oldest, newest = _REFUSED_ALL
    if not oldest <= (numbers(version) or ())[:_RELEASE] <= newest:
        return _SAY.ok(machine, "Windows' dynamic ports were moved, and this WSL may bind them", *told)
    lost = [
        f"wished: {allow}"
        for allow in snapshot.inventory.wish.allow
        for one in moved
        if one.dynamic is not None
        and one.proto == allow.proto
        and one.dynamic[0] <= allow.port <= one.dynamic[1]
    ]
    return _SAY.problem(
        graded(wished=bool(lost)),
        machine,
        "programs in WSL cannot bind their ports: Windows' dynamic ports begin too low",
        evidence=(*told, f"WSL {version}", *lost),
        cause="WSL 2.8.7 to 2.9.4 in mirrored mode is refused every port of this range (EADDRINUSE), and the "
        f"range was moved from {_FIRST} down over the ports that programs use",
        fix=Fix(
            f"wslnet doctor --fix --only {_SAY.code}",
            (
                *(
                    f"netsh int {family} set dynamicport {one.proto} start={_FIRST} num=16384"
                    for family in ("ipv4", "ipv6")
                    for one in moved
                ),
                "wslnet sets those of IPv4, which it reads back",
                "or wsl --update: newer releases may bind half of the range, and whoever moved it wanted it",
            ),
            tuple(
                DynamicPorts(machine, one.proto, *USUAL, "so that programs in WSL may bind their ports")
                for one in moved
            ),
        ),
    )


def _words(one: PortRanges) -> str:
    return "-".join(map(str, one.dynamic or ()))


CHECK = Check(
    code=_SAY.code,
    title="Programs in WSL may bind the ports they use",
    needs={Kind.WINDOWS: frozenset({"port_ranges", "wsl"}), Kind.WSL: frozenset({"wsl"})},
    judge=on_windows(_SAY, _judge),
    depends_on=(REACHABLE,),
    docs=_SAY.docs,
)
