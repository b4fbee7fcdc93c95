"""Does AppLocker or code integrity (WDAC) say which programs may run? Then wslnet's own need a rule there.

Enforced AppLocker rules stand in the registry by kind, code integrity in Win32_DeviceGuard. In a session
that they restrict, functions may be hidden although they are there (windows-facts 6, PowerShell#4786).
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
    from wslnet.model.windows_facts import WindowsFacts

_SAY = Findings(
    "policy.programs",
    docs="https://learn.microsoft.com/windows/security/application-security/application-control/",
)

_AUDIT, _ENFORCED = 1, 2
_WORDS = {0: "off", _AUDIT: "audit only", _ENFORCED: "enforced"}
_SERVICE = "appidsvc"


def _judge(_snapshot: Snapshot, machine: str, windows: WindowsFacts) -> Iterator[Finding]:
    security = windows.security
    if security is None:
        yield _SAY.unread(machine, "policies for programs")
        return
    told = [f"{machine}: AppLocker enforces its rules of kind {kind}" for kind in security.applocker]
    told += [
        f"{machine}: service {one.name}, which enforces them: {one.state}"
        for one in windows.services or ()
        if one.name.casefold() == _SERVICE and security.applocker
    ]
    if security.code_integrity is not None:
        state = _WORDS.get(security.code_integrity, str(security.code_integrity))
        told.append(f"{machine}: code integrity for programs (WDAC): {state}")
    if not security.applocker and security.code_integrity != _ENFORCED:
        yield _SAY.ok(machine, "no policy says which programs may run", *told)
        return
    yield _SAY.problem(
        Status.WARN,
        machine,
        "a policy says which programs may run here",
        evidence=told,
        cause="what it does not know is not started: wslnet.exe of the boot tasks, or PowerShell with less "
        "than all its language; that is not worked around",
        fix=look_again(
            _SAY.code,
            r"ask who administers this Windows to allow C:\Program Files\wslnet, by path or by hash",
        ),
    )


CHECK = Check(
    code=_SAY.code,
    title="No policy keeps wslnet's programs from running",
    needs={Kind.WINDOWS: frozenset({"security", "services"})},
    judge=on_windows(_SAY, _judge),
    depends_on=(REACHABLE,),
    docs=_SAY.docs,
)
