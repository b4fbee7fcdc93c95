"""Do the services behind wished ports listen where the LAN can reach them, and not on 127.0.0.1 alone?"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from wslnet.checks.parts.findings import REACHABLE, Findings, look_again
from wslnet.checks.parts.wsl import on_wsl
from wslnet.model.finding import Check, Finding, Status
from wslnet.model.machine import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wslnet.model.allow import Allow
    from wslnet.model.linux_facts import LinuxFacts
    from wslnet.model.linux_network import Listener
    from wslnet.model.snapshot import Snapshot

_SAY = Findings("listen.loopback", docs="https://learn.microsoft.com/windows/wsl/networking")


def _judge(snapshot: Snapshot, machine: str, facts: LinuxFacts) -> Iterator[Finding]:
    allows = snapshot.inventory.wish.allow
    if facts.listeners is None:
        yield _SAY.unread(machine, "listeners")
    elif not allows:
        yield _SAY.ok(machine, "no port is wished")
    else:
        yield _machine(machine, facts, allows)


def _machine(machine: str, facts: LinuxFacts, allows: tuple[Allow, ...]) -> Finding:
    hidden: list[str] = []
    told: list[str] = []
    for allow in allows:
        found = [one for one in facts.listeners or () if (one.proto, one.port) == (allow.proto, allow.port)]
        where = ", ".join(f"{one.process or 'a process'} on {one.address}" for one in found) or "nobody yet"
        told.append(f"{machine}: {allow}: {where}")
        if found and all(_is_loopback(one) for one in found):
            hidden.append(told[-1])
    if not hidden:
        return _SAY.ok(machine, "no wished port is bound to loopback alone", *told)
    return _SAY.problem(
        Status.WARN,
        machine,
        "a service behind a wished port listens on loopback only",
        evidence=hidden,
        cause="it is reached from WSL and from Windows' own 127.0.0.1, and by nobody on the LAN, whatever "
        "any firewall admits",
        fix=look_again(_SAY.code, "have the service listen on 0.0.0.0 (or on WSL's own address)"),
    )


def _is_loopback(one: Listener) -> bool:
    return ipaddress.ip_address(one.address).is_loopback


CHECK = Check(
    code=_SAY.code,
    title="Services behind wished ports listen beyond loopback",
    needs={Kind.WSL: frozenset({"listeners"})},
    judge=on_wsl(_SAY, _judge),
    depends_on=(REACHABLE,),
    docs=_SAY.docs,
)
