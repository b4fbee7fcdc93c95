"""Is the block of ports whole that Windows reserved for a mirrored WSL, and is no wished port inside it?

WSL's own masquerade rules name the block, and nothing changes them when somebody sets the range anew.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from wslnet.checks.parts.findings import MODE_KNOWN_BY, Findings, look_again
from wslnet.checks.parts.wsl import on_mirrored_wsl
from wslnet.model.finding import Check, Finding, Fix, Status
from wslnet.model.machine import Kind
from wslnet.model.ports import reserved_block
from wslnet.resources.sysctl import Sysctl

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wslnet.model.linux_facts import LinuxFacts
    from wslnet.model.snapshot import Snapshot

_SAY = Findings("port.reserved", docs="https://github.com/microsoft/WSL/issues/40169")

_BLOCK_SIZE = 4096
_KEY = "net.ipv4.ip_local_port_range"
_NAMED = re.compile(r"\boif \S+ (?:tcp|udp)\b.*\bmasquerade to :(?P<first>\d+)-(?P<last>\d+)")


def _judge(snapshot: Snapshot, machine: str, facts: LinuxFacts) -> Iterator[Finding]:
    block = reserved_block(snapshot)
    if block is None:
        yield _SAY.unread(machine, "range of local ports")
    else:
        yield _machine(snapshot, machine, block, _named(facts))


def _named(facts: LinuxFacts) -> tuple[int, int] | None:
    """The block as WSL's own rules name it; None where they are gone or were not read."""
    found = _NAMED.search((facts.firewall.nft if facts.firewall is not None else None) or "")
    return None if found is None else (int(found["first"]), int(found["last"]))


def _machine(
    snapshot: Snapshot, machine: str, block: tuple[int, int], named: tuple[int, int] | None
) -> Finding:
    first, last = block
    told = f"{machine}: {_KEY} is {first} to {last}"
    if block != named if named is not None else last - first + 1 != _BLOCK_SIZE:
        return _set_anew(machine, told, named)
    inside = [str(allow) for allow in snapshot.inventory.wish.allow if first <= allow.port <= last]
    if inside:
        return _SAY.problem(
            Status.WARN,
            machine,
            "a wished port lies in the block for WSL's outgoing connections",
            evidence=(told, f"wished: {', '.join(inside)}"),
            cause="any outgoing connection of WSL may take the port first, and the block may lie elsewhere "
            "after the next start",
            fix=look_again(_SAY.code, "let the service use a port below the block, and wish that one"),
        )
    return _SAY.ok(machine, f"the reserved block is {first} to {last}, no wished port is in it", told)


def _set_anew(machine: str, told: str, named: tuple[int, int] | None) -> Finding:
    steps = (f"take the setting of {_KEY} out of /etc/sysctl.conf and sysctl.d",)
    if named is None:
        evidence: tuple[str, ...] = (told,)
        fix = Fix("wslnet restart", (*steps, "let WSL start anew, which sets the range: wslnet restart"))
    else:
        evidence = (told, f"{machine}: WSL's own rules name {named[0]} to {named[1]}")
        block = Sysctl(machine, _KEY, f"{named[0]} {named[1]}", "Windows reserved these ports", rows=())
        fix = Fix(f"wslnet doctor --only {_SAY.code} --fix", steps, (block,))
    return _SAY.problem(
        Status.FAIL,
        machine,
        "WSL uses local ports that Windows has not reserved for it",
        evidence=evidence,
        cause=f"in mirrored mode WSL sets this range to the {_BLOCK_SIZE} ports that Windows reserved; "
        "with another one, connections from outside the block hang (microsoft/WSL#41227)",
        fix=fix,
    )


CHECK = Check(
    code=_SAY.code,
    title="The reserved port block is whole and free of wished ports",
    needs={Kind.WINDOWS: frozenset({"wsl"}), Kind.WSL: frozenset({"sysctls", "firewall", "wsl"})},
    judge=on_mirrored_wsl(_SAY, _judge),
    depends_on=MODE_KNOWN_BY,
    docs=_SAY.docs,
)
