"""From WSL to services of Windows in NAT mode: by the gateway's address, past Windows' own firewall."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet.checks.parts.findings import MODE_KNOWN_BY, Findings, look_again
from wslnet.checks.parts.host_rules import beyond_loopback, let_in, wsl_prefix
from wslnet.checks.parts.windows import on_windows
from wslnet.model.finding import Check, Finding, Status
from wslnet.model.machine import Kind
from wslnet.model.topology import host_address

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wslnet.model.snapshot import Snapshot
    from wslnet.model.windows_facts import WindowsFacts

_SAY = Findings("wsl2win", docs="https://learn.microsoft.com/windows/wsl/networking")


def _judge(snapshot: Snapshot, machine: str, windows: WindowsFacts) -> Iterator[Finding]:
    wsl = snapshot.inventory.wsl
    if wsl is None or snapshot.mode is None:
        yield _SAY.skip(machine, "WSL's mode is not known", depends_on=MODE_KNOWN_BY)
        return
    address = host_address(snapshot)
    if snapshot.mode != "nat":
        yield _SAY.ok(machine, f"in {snapshot.mode} mode WSL comes to Windows by {address or 'its address'}")
    elif windows.listeners is None or windows.host_rules is None:
        yield _SAY.unread(machine, "listeners and host rules")
    elif (prefix := wsl_prefix(windows)) is None or address is None:
        yield _SAY.skip(machine, "WSL's network behind Windows is not known", depends_on=MODE_KNOWN_BY)
    else:
        wished = (wsl.name, machine) in snapshot.inventory.wish.reach
        yield _behind_nat(machine, windows, address, prefix, wished=wished)


def _behind_nat(machine: str, windows: WindowsFacts, address: str, prefix: str, *, wished: bool) -> Finding:
    told, shut = [], []
    for one in beyond_loopback(windows.listeners or ()):
        admitted, why = let_in(windows.host_rules or (), one, prefix)
        told.append(f"{machine}: {address}:{one.port} {one.process or 'a process'}: {why}")
        shut += [] if admitted else [one.port]
    if not shut or not wished:
        return _SAY.ok(machine, f"WSL comes to Windows by its gateway, {address}", *told)
    return _SAY.problem(
        Status.WARN,
        machine,
        f"Windows' firewall keeps WSL from {', '.join(str(port) for port in shut)}",
        evidence=told,
        cause=f"WSL's network, {prefix}, is one that Windows cannot identify, so its strictest profile holds",
        fix=look_again(_SAY.code, *(_rule(port, prefix) for port in shut)),
    )


def _rule(port: int, prefix: str) -> str:
    words = (
        f"New-NetFirewallRule -Name wslnet-host-tcp-{port} -DisplayName 'tcp {port} from WSL' "
        f"-Direction Inbound -Action Allow -Protocol TCP -LocalPort {port} -RemoteAddress {prefix}"
    )
    return f"if WSL shall reach port {port}, for its network alone: {words}"


CHECK = Check(
    code=_SAY.code,
    title="WSL comes to the services of Windows",
    needs={
        Kind.WINDOWS: frozenset({"listeners", "host_rules", "addresses", "routes", "wsl"}),
        Kind.WSL: frozenset({"wsl", "routes"}),
    },
    judge=on_windows(_SAY, _judge),
    depends_on=MODE_KNOWN_BY,
    docs=_SAY.docs,
)
