"""Is what the wish publishes in place inside WSL? In mirrored mode nothing else leads to a VM behind it.

Windows has no route to networks inside a mirrored WSL (microsoft/WSL#11150): a port leads there by a process
that holds it and a translation, and a flush or a restart takes those away.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet.checks.parts.findings import MODE_KNOWN_BY, Findings
from wslnet.checks.parts.wsl import on_wsl
from wslnet.errors import WslnetError
from wslnet.model.finding import Check, Finding, Fix, Status
from wslnet.model.machine import Kind
from wslnet.profiles.forwards import MIRRORED, NAT, linux_resources
from wslnet.profiles.nested import NEEDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wslnet.model.linux_facts import LinuxFacts
    from wslnet.model.snapshot import Snapshot

_SAY = Findings("forward.published", docs="https://github.com/microsoft/WSL/issues/11150")


def _judge(snapshot: Snapshot, machine: str, facts: LinuxFacts) -> Iterator[Finding]:
    if not snapshot.inventory.wish.forward:
        yield _SAY.ok(machine, "no port is published")
    elif snapshot.mode not in {MIRRORED, NAT}:
        yield _SAY.skip(machine, "WSL's mode publishes no ports", depends_on=MODE_KNOWN_BY)
    elif facts.holders is None or facts.firewall is None or facts.sysctls is None:
        yield _SAY.unread(machine, "rules, settings and held ports")
    else:
        yield _machine(snapshot, machine, snapshot.mode)


def _machine(snapshot: Snapshot, machine: str, mode: str) -> Finding:
    forwards = snapshot.inventory.wish.forward
    wanted = linux_resources(snapshot, mode, forwards)
    try:
        missing = [
            change
            for one in wanted
            if one.machine in snapshot.facts
            for change in one.diff(snapshot.facts[one.machine])
        ]
    except WslnetError as error:
        return _SAY.skip(machine, error.message)
    told = [f"published: {one}" for one in forwards]
    if not missing:
        return _SAY.ok(machine, "what is published is in place in WSL", *told)
    seen = tuple(one for one in wanted if one.machine in snapshot.facts)
    return _SAY.problem(
        Status.WARN,
        machine,
        "what is published is not in place in WSL",
        evidence=(*told, *(f"missing: {one.machine}: {one.resource}" for one in missing)),
        cause="a restart of WSL, a flush of rules or another program has taken it away",
        fix=Fix(
            f"wslnet doctor --only {_SAY.code} --fix",
            ("have it put back by itself: wslnet boot install", "see all of it: wslnet forward list"),
            seen,
        ),
    )


CHECK = Check(
    code=_SAY.code,
    title="What is published is in place in WSL",
    needs={
        Kind.WINDOWS: frozenset({"addresses", "routes", "wsl"}),
        Kind.WSL: NEEDS | {"holders", "wsl"},
        Kind.VM: frozenset({"addresses", "firewall", "links", "routes", "sysctls"}),
    },
    judge=on_wsl(_SAY, _judge),
    depends_on=MODE_KNOWN_BY,
    docs=_SAY.docs,
)
