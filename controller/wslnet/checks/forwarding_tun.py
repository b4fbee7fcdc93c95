"""Does a proxy's tunnel meet a card that forwards? Then its own packets come back into the tunnel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet.checks.parts.findings import Findings
from wslnet.checks.parts.windows import on_windows
from wslnet.model.finding import Check, Finding, Fix, Status
from wslnet.model.machine import Kind
from wslnet.model.tunnels import forwarding_cards, tunnels
from wslnet.profiles.forwarding import resource_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wslnet.model.snapshot import Snapshot
    from wslnet.model.windows_facts import WindowsFacts

_SAY = Findings("forwarding.tun", docs="https://github.com/microsoft/WSL/issues/41652")


def _judge(_snapshot: Snapshot, machine: str, windows: WindowsFacts) -> Iterator[Finding]:
    if windows.adapters is None or windows.interfaces is None or windows.routes is None:
        yield _SAY.unread(machine, "adapters, interfaces and routes")
    else:
        yield _seen(machine, windows)


def _seen(machine: str, windows: WindowsFacts) -> Finding:
    taking = tunnels(windows)
    if not taking:
        return _SAY.ok(machine, "no tunnel takes the default route")
    evidence = [f"{one.name} ({one.description or 'no description'}) has the default route" for one in taking]
    cards = forwarding_cards(windows)
    if not cards:
        return _SAY.ok(machine, "no card that a tunnel sends through forwards", *evidence)
    evidence += [f"{one.alias} (index {one.index}, IPv4): Forwarding Enabled" for one in cards]
    return _SAY.problem(
        Status.WARN,
        machine,
        f"{', '.join(one.alias for one in cards)} forwards beside a tunnel that takes everything",
        evidence=evidence,
        cause="the proxy's own packets are routed anew on that card and end in the tunnel again; mirrored "
        "mode switches forwarding on there by itself (microsoft/WSL#41652)",
        fix=Fix(
            f'wslnet forwarding disable --include-external --match "^{cards[0].alias}$"',
            tuple(
                f"Set-NetIPInterface -InterfaceIndex {one.index} -AddressFamily IPv4 -Forwarding Disabled "
                f"({one.alias})"
                for one in cards
            ),
            tuple(resource_of(machine, one, enabled=False) for one in cards),
        ),
    )


CHECK = Check(
    code=_SAY.code,
    title="No tunnel runs into forwarding",
    needs={Kind.WINDOWS: frozenset({"adapters", "interfaces", "routes"})},
    judge=on_windows(_SAY, _judge),
    docs=_SAY.docs,
)
