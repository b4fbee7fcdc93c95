"""Is IPv6 switched off in Windows altogether? Then WSL falls back from mirrored to NAT mode."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet.checks.parts.findings import Findings, graded
from wslnet.checks.parts.windows import on_windows
from wslnet.model.finding import Check, Finding, Fix
from wslnet.model.machine import Kind
from wslnet.resources.windows_value import IPV6_COMPONENTS, WindowsValue

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wslnet.model.snapshot import Snapshot
    from wslnet.model.windows_facts import WindowsFacts

_SAY = Findings("ipv6.components", docs="https://learn.microsoft.com/windows/wsl/troubleshooting")

_ALL_OFF, _IPV4_PREFERRED = 0xFF, 0x20
_KEY = r"HKLM\SYSTEM\CurrentControlSet\Services\Tcpip6\Parameters"


def _judge(snapshot: Snapshot, machine: str, windows: WindowsFacts) -> Iterator[Finding]:
    registry = windows.registry
    if registry is None:
        yield _SAY.unread(machine, "registry")
        return
    value = registry.ipv6_disabled_components
    evidence = f"DisabledComponents = {'(absent)' if value is None else hex(value)}"
    if value != _ALL_OFF:
        yield _SAY.ok(machine, "IPv6 is not switched off altogether", evidence)
        return
    yield _SAY.problem(
        graded(wished="mirrored" in {snapshot.inventory.wish.mode, snapshot.mode}),
        machine,
        "IPv6 is switched off altogether in Windows",
        evidence=(evidence,),
        cause=f"{_KEY} DisabledComponents is 0xff, and WSL then has no mirrored mode (microsoft/WSL#11002)",
        fix=Fix(
            f"wslnet doctor --fix --only {_SAY.code}",
            (
                f"set DisabledComponents in {_KEY} to 0x20 (IPv4 preferred), or delete it",
                "reboot Windows, then wslnet resume",
                "to keep IPv6 away from one adapter, unbind ms_tcpip6 there: that does no harm",
            ),
            (WindowsValue(machine, IPV6_COMPONENTS, _IPV4_PREFERRED, "mirrored mode needs IPv6 in Windows"),),
        ),
    )


CHECK = Check(
    code=_SAY.code,
    title="IPv6 is not switched off in Windows",
    needs={Kind.WINDOWS: frozenset({"registry", "wsl"}), Kind.WSL: frozenset({"wsl"})},
    judge=on_windows(_SAY, _judge),
    docs=_SAY.docs,
)
