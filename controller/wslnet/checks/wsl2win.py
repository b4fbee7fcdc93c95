"""From WSL to services of Windows in NAT mode: by the gateway's address, past Windows' own firewall."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet.checks.parts.findings import MODE_KNOWN_BY, Findings
from wslnet.checks.parts.host_rules import beyond_loopback, let_in, wsl_prefix
from wslnet.checks.parts.windows import on_windows
from wslnet.model.finding import Check, Finding, Fix, Status
from wslnet.model.machine import Kind
from wslnet.model.topology import host_address
from wslnet.profiles.wsl_services import service_rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wslnet.model.snapshot import Snapshot
    from wslnet.model.windows_facts import WindowsFacts

_OF_WINDOWS = frozenset({"", "system", "svchost", "lsass", "services", "spoolsv", "wininit"})
"""Processes of Windows itself: which of their ports WSL needs is the user's to say, not a fix's."""

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
    told, shut, programs = [], [], []
    for one in beyond_loopback(windows.listeners or ()):
        admitted, why = let_in(windows.host_rules or (), one, prefix)
        told.append(f"{machine}: {address}:{one.port} {one.process or 'a process'}: {why}")
        shut += [] if admitted else [one.port]
        name = (one.process or "").lower().removesuffix(".exe")
        programs += [] if admitted or name in _OF_WINDOWS else [one.port]
    if not shut or not wished:
        return _SAY.ok(machine, f"WSL comes to Windows by its gateway, {address}", *told)
    return _SAY.problem(
        Status.WARN,
        machine,
        f"Windows' firewall keeps WSL from {', '.join(str(port) for port in shut)}",
        evidence=told,
        cause=f"WSL's network, {prefix}, is one that Windows cannot identify, so its strictest profile holds",
        fix=_fix(machine, prefix, shut, programs),
    )


def _fix(machine: str, prefix: str, shut: list[int], programs: list[int]) -> Fix:
    rules = tuple(service_rule(machine, port, prefix) for port in programs)
    steps = [f"for WSL's network alone, rule {one.rule_name}" for one in rules]
    steps += [
        f"port {port} is of Windows itself: if WSL shall reach it, make a rule for {prefix}"
        for port in shut
        if port not in programs
    ]
    command = f"wslnet doctor {'--fix ' if rules else ''}--only {_SAY.code}"
    return Fix(command, tuple(steps), rules)


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
