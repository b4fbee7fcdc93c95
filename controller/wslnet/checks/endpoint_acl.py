"""Where the constrained endpoint is installed: can anybody but administrators change what it runs?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet.checks.parts.findings import Findings
from wslnet.checks.parts.windows import on_windows
from wslnet.model.finding import Check, Finding, Fix, Status
from wslnet.model.machine import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wslnet.model.snapshot import Snapshot
    from wslnet.model.windows_facts import WindowsFacts

_SAY = Findings(
    "endpoint.acl",
    docs="https://learn.microsoft.com/powershell/scripting/security/remoting/jea/security-considerations",
)


def _judge(_snapshot: Snapshot, machine: str, windows: WindowsFacts) -> Iterator[Finding]:
    found = windows.endpoint_access
    if found is None:
        yield _SAY.skip(machine, "this session may not look at who may write what the endpoint runs")
    elif not found.installed:
        yield _SAY.skip(machine, "the constrained endpoint is not installed (`wslnet endpoint install`)")
    elif not found.strangers:
        yield _SAY.ok(machine, "only administrators can change what the endpoint runs")
    else:
        yield _SAY.problem(
            Status.FAIL,
            machine,
            "others than administrators can change what the endpoint runs",
            evidence=found.strangers,
            cause="its files, and every module that is found before its own, run with an administrator's "
            "rights whenever somebody connects",
            fix=Fix(
                "wslnet endpoint remove",
                (
                    "take the right to write away from those who are named (icacls FILE /remove WHO)",
                    "or remove the endpoint: wslnet endpoint remove",
                ),
            ),
        )


CHECK = Check(
    code=_SAY.code,
    title="Only administrators can change what the constrained endpoint runs",
    needs={Kind.WINDOWS: frozenset({"endpoint_access"})},
    judge=on_windows(_SAY, _judge),
    docs=_SAY.docs,
)
