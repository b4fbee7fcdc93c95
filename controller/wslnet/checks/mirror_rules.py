"""Are the policy rules whole by which a mirrored WSL shares 127.0.0.1 with Windows (wsl-facts 2.2)?

WSL writes them once, at its start; what an administrator's script takes away stays away.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet.checks.parts.findings import MODE_KNOWN_BY, Findings
from wslnet.checks.parts.wsl import on_mirrored_wsl
from wslnet.model.families import IPV4
from wslnet.model.finding import Check, Finding, Fix, Status
from wslnet.model.machine import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from wslnet.model.linux_facts import LinuxFacts
    from wslnet.model.linux_network import Route, Rule
    from wslnet.model.snapshot import Snapshot

_SAY = Findings("mirror.rules", docs="https://learn.microsoft.com/windows/wsl/networking")

_LOCAL, _TO_WINDOWS = 255, 127
_PROTOCOLS = {6: "tcp", 17: "udp"}
_HOP, _LINK = "169.254.73.249", "loopback0"


def _judge(_snapshot: Snapshot, machine: str, facts: LinuxFacts) -> Iterator[Finding]:
    if facts.rules is None or facts.routes is None:
        yield _SAY.unread(machine, "policy rules and routes")
    else:
        yield _machine(machine, tuple(_wrong(facts.rules, facts.routes)))


def _machine(machine: str, wrong: tuple[str, ...]) -> Finding:
    if not wrong:
        return _SAY.ok(machine, "127.0.0.1 is shared with Windows as WSL sets it up")
    return _SAY.problem(
        Status.WARN,
        machine,
        "127.0.0.1 is not shared with Windows any more",
        evidence=(f"{machine}: {line}" for line in wrong),
        cause="something in WSL has changed its policy rules or routing tables; WSL writes them at its start "
        "only, and connections to 127.0.0.1 between Windows and WSL hang or stay inside until then",
        fix=Fix(
            f"wslnet doctor --fix --only {_SAY.code}",
            (
                "let WSL start anew, which writes them again: wslnet restart",
                "have what changes rules in WSL (a VPN client, a script) leave priorities 0 to 2 alone",
            ),
            restarts=True,
        ),
    )


def _wrong(rules: Sequence[Rule], routes: Sequence[Route]) -> Iterator[str]:
    mine = [rule for rule in rules if rule.family == IPV4]
    for number, name in _PROTOCOLS.items():
        if not any((one.iif, one.ipproto, one.table) == (_LINK, number, _LOCAL) for one in mine):
            yield f"no rule for {name} that comes from {_LINK}"
        if not any((one.iif, one.ipproto, one.table) == (None, number, _TO_WINDOWS) for one in mine):
            yield f"no rule that sends {name} to table {_TO_WINDOWS}"
    first = [one for one in mine if one.priority == 0 and one.iif is None and one.ipproto is None]
    if any(one.table == _LOCAL for one in first):
        yield "the rule `0: from all lookup local` is back, so 127.0.0.1 never leaves WSL"
    shared = [
        one for one in routes if one.table == _TO_WINDOWS and one.dst.removesuffix("/32") == "127.0.0.1"
    ]
    if not any((one.via, one.dev) == (_HOP, _LINK) for one in shared):
        yield f"table {_TO_WINDOWS} has no route for 127.0.0.1 via {_HOP} dev {_LINK}"


CHECK = Check(
    code=_SAY.code,
    title="Mirrored mode's rules for 127.0.0.1 are whole",
    needs={Kind.WINDOWS: frozenset({"wsl"}), Kind.WSL: frozenset({"rules", "routes", "wsl"})},
    judge=on_mirrored_wsl(_SAY, _judge),
    depends_on=MODE_KNOWN_BY,
    docs=_SAY.docs,
)
