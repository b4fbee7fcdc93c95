"""Does a firewall of another maker guard this Windows? It decides beside Windows' own.

Those that have told Windows of themselves are known (root/SecurityCenter2 FirewallProduct); which of their
rules there are is theirs to say, and nothing of them is changed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet.checks.parts.findings import REACHABLE, Findings, look_again
from wslnet.checks.parts.windows import on_windows
from wslnet.model.finding import Check, Finding, Status
from wslnet.model.machine import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wslnet.model.snapshot import Snapshot
    from wslnet.model.windows_facts import FirewallProduct, WindowsFacts

_SAY = Findings("other.firewall", docs="https://learn.microsoft.com/windows/wsl/troubleshooting")


def _judge(_snapshot: Snapshot, machine: str, windows: WindowsFacts) -> Iterator[Finding]:
    if windows.security is None:
        yield _SAY.unread(machine, "firewalls of other makers")
        return
    told = tuple(f"{machine}: {_words(one)}" for one in windows.security.firewalls)
    at_work = [one.name for one in windows.security.firewalls if one.on is not False]
    if not at_work:
        yield _SAY.ok(machine, "no firewall of another maker is at work", *told)
        return
    yield _SAY.problem(
        Status.WARN,
        machine,
        f"{', '.join(at_work)} guards this Windows, too",
        evidence=told,
        cause="it may stop what Windows' own firewall and the Hyper-V firewall let in; wslnet neither "
        "reads nor changes its rules",
        fix=look_again(_SAY.code, "if the LAN does not reach an allowed port, allow that port there, too"),
    )


def _words(one: FirewallProduct) -> str:
    state = "does not say whether it is on" if one.on is None else "on" if one.on else "off"
    return f"{one.name}: {state}"


CHECK = Check(
    code=_SAY.code,
    title="No firewall of another maker decides beside Windows' own",
    needs={Kind.WINDOWS: frozenset({"security"})},
    judge=on_windows(_SAY, _judge),
    depends_on=(REACHABLE,),
    docs=_SAY.docs,
)
