"""Do two network cards of Windows carry one MAC? Mirrored mode then brings up neither (wsl-facts 6, 5).

Docks and USB adapters can take over the MAC of the built-in card. Virtual adapters are left out: that of an
External switch has the MAC of its card by design.
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
    from wslnet.model.windows_facts import Adapter, WindowsFacts

_SAY = Findings("adapter.duplicate-mac", docs="https://github.com/microsoft/WSL/issues/12909")

_GONE = frozenset({"Disabled", "Not Present"})


def _judge(snapshot: Snapshot, machine: str, windows: WindowsFacts) -> Iterator[Finding]:
    if windows.adapters is None:
        yield _SAY.unread(machine, "adapters")
    else:
        yield _machine(snapshot, machine, windows.adapters)


def _machine(snapshot: Snapshot, machine: str, adapters: tuple[Adapter, ...]) -> Finding:
    by_mac: dict[str, list[str]] = {}
    for one in adapters:
        if one.mac is not None and not one.virtual and not one.hidden and one.status not in _GONE:
            by_mac.setdefault(one.mac, []).append(one.name)
    shared = [f"{machine}: {mac}: {', '.join(names)}" for mac, names in by_mac.items() if len(names) > 1]
    if not shared:
        return _SAY.ok(machine, f"{len(by_mac)} network cards, each with a MAC of its own")
    if "mirrored" not in {snapshot.mode, snapshot.inventory.wish.mode}:
        return _SAY.ok(machine, "cards share a MAC, which disturbs mirrored mode only", *shared)
    return _SAY.problem(
        Status.WARN,
        machine,
        "network cards share a MAC",
        evidence=shared,
        cause="mirrored mode tells adapters by their MAC: with two alike the links of WSL stay down",
        fix=look_again(
            _SAY.code,
            "disable the card that is not used (Disable-NetAdapter), or switch MAC passthrough off",
            "then let WSL start anew: wslnet restart",
        ),
    )


CHECK = Check(
    code=_SAY.code,
    title="Every network card of Windows has a MAC of its own",
    needs={Kind.WINDOWS: frozenset({"adapters", "wsl"}), Kind.WSL: frozenset({"wsl"})},
    judge=on_windows(_SAY, _judge),
    depends_on=(REACHABLE,),
    docs=_SAY.docs,
)
