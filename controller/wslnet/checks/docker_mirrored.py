"""Do containers answer to localhost of Windows in mirrored mode (note 003, microsoft/WSL#10494)?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet.checks.parts.findings import MODE_KNOWN_BY, Findings
from wslnet.checks.parts.wsl import on_mirrored_wsl
from wslnet.model.finding import Check, Finding, Fix, Status
from wslnet.model.machine import Kind
from wslnet.profiles.containers import Case, Verdict, judge, rules_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wslnet.model.linux_facts import LinuxFacts
    from wslnet.model.snapshot import Snapshot

_SAY = Findings("docker.mirrored", docs="https://github.com/microsoft/WSL/issues/10494")
_BROKEN = frozenset({Case.UNHANDLED, Case.LATE, Case.STALE})


def _judge(_snapshot: Snapshot, machine: str, facts: LinuxFacts) -> Iterator[Finding]:
    if facts.engines is None or facts.firewall is None:
        yield _SAY.unread(machine, "container engines and rules")
    else:
        verdicts = judge(facts)
        broken = [one for one in verdicts if one.case in _BROKEN]
        if broken:
            yield _problem(machine, broken[0])
        else:
            said = "; ".join(f"{one.engine} {one.version}: {one.case}" for one in verdicts)
            yield _SAY.ok(machine, said or "no container engine runs")


def _problem(machine: str, verdict: Verdict) -> Finding:
    return _SAY.problem(
        Status.WARN,
        machine,
        f"{verdict.engine}'s published ports do not answer to localhost of Windows",
        evidence=(f"{machine}: {line}" for line in verdict.evidence),
        cause="what comes from 127.0.0.1 of Windows goes to the container, and its answer finds no way "
        "back; other computers of the LAN reach the same port",
        fix=Fix(
            "wslnet docker fix" if verdict.fixable else "wslnet docker check",
            (verdict.advice,),
            rules_for(machine, verdict),
        ),
    )


CHECK = Check(
    code=_SAY.code,
    title="Containers answer to localhost of Windows",
    needs={Kind.WINDOWS: frozenset({"wsl"}), Kind.WSL: frozenset({"engines", "firewall", "wsl"})},
    judge=on_mirrored_wsl(_SAY, _judge),
    depends_on=MODE_KNOWN_BY,
    docs=_SAY.docs,
)
