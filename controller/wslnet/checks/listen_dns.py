"""Is a DNS server of a mirrored WSL on 127.0.0.1:53, where nobody in WSL reaches it?

TCP and UDP to 127.0.0.1 go to Windows first, and port 53 never comes back (microsoft/WSL#14063).
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from wslnet.checks.parts.findings import MODE_KNOWN_BY, Findings, look_again
from wslnet.checks.parts.wsl import on_mirrored_wsl
from wslnet.model.finding import Check, Finding, Status
from wslnet.model.machine import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wslnet.model.linux_facts import LinuxFacts
    from wslnet.model.snapshot import Snapshot

_SAY = Findings("listen.dns", docs="https://github.com/microsoft/WSL/issues/14063")

_PORT, _LOCALHOST = 53, "127.0.0.1"


def _judge(_snapshot: Snapshot, machine: str, facts: LinuxFacts) -> Iterator[Finding]:
    if facts.listeners is None or facts.in_use is None:
        yield _SAY.unread(machine, "listeners and resolver")
    else:
        asked = _LOCALHOST in facts.in_use.resolver.nameservers
        found = dict.fromkeys(
            f"{one.process or 'a process'} on {one.proto} {one.address}:{_PORT}"
            for one in facts.listeners
            if one.port == _PORT and (one.address == _LOCALHOST or (asked and _is_any(one.address)))
        )
        yield _machine(machine, tuple(found), asked=asked)


def _is_any(address: str) -> bool:
    return ipaddress.ip_address(address).is_unspecified


def _machine(machine: str, found: tuple[str, ...], *, asked: bool) -> Finding:
    if not found:
        return _SAY.ok(machine, "no DNS server of WSL waits on 127.0.0.1")
    also = (f"{machine}: /etc/resolv.conf names {_LOCALHOST}",) if asked else ()
    return _SAY.problem(
        Status.WARN,
        machine,
        "a DNS server on 127.0.0.1 is not reached from WSL itself",
        evidence=(*(f"{machine}: {one}" for one in found), *also),
        cause="in mirrored mode 127.0.0.1 is Windows' first, and port 53 is never handed to WSL",
        fix=look_again(
            _SAY.code,
            "have the server listen on 127.0.0.2 (any of 127.0.0.0/8 but .1 stays in WSL)",
            "name that address in /etc/resolv.conf, and have clients bind to it (dig -b 127.0.0.2)",
        ),
    )


CHECK = Check(
    code=_SAY.code,
    title="DNS servers of WSL are not on 127.0.0.1",
    needs={Kind.WINDOWS: frozenset({"wsl"}), Kind.WSL: frozenset({"listeners", "in_use", "wsl"})},
    judge=on_mirrored_wsl(_SAY, _judge),
    depends_on=MODE_KNOWN_BY,
    docs=_SAY.docs,
)
