"""Does a policy refuse NTLM? Without a domain WinRM then lets nobody in (windows-facts 5)."""

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
    "policy.ntlm",
    docs="https://learn.microsoft.com/previous-versions/windows/it-pro/windows-10/security/threat-protection/"
    "security-policy-settings/network-security-restrict-ntlm-incoming-ntlm-traffic",
)

_DENY_ALL = 2
_INCOMING = {None: "allowed", 0: "allowed", 1: "denied to domain accounts", _DENY_ALL: "denied"}
_OUTGOING = {None: "allowed", 0: "allowed", 1: "audited", _DENY_ALL: "denied"}


def _judge(_snapshot: Snapshot, machine: str, windows: WindowsFacts) -> Iterator[Finding]:
    security = windows.security
    if security is None:
        yield _SAY.unread(machine, "policies for NTLM")
        return
    incoming, outgoing = security.ntlm_incoming, security.ntlm_outgoing
    told = (
        f"{machine}: NTLM to this PC: {_INCOMING.get(incoming, str(incoming))}",
        f"{machine}: NTLM from this PC: {_OUTGOING.get(outgoing, str(outgoing))}",
    )
    if not incoming and outgoing != _DENY_ALL:
        yield _SAY.ok(machine, "no policy refuses NTLM", *told)
        return
    yield _SAY.problem(
        Status.WARN,
        machine,
        "a policy refuses NTLM",
        evidence=told,
        cause="without a domain WinRM signs in by NTLM; from another PC, and on this one, it is refused",
        fix=look_again(
            _SAY.code,
            "run wslnet on this Windows (no address in the inventory), or sign in by Kerberos",
        ),
    )


CHECK = Check(
    code=_SAY.code,
    title="No policy refuses the sign-in that WinRM needs",
    needs={Kind.WINDOWS: frozenset({"security"})},
    judge=on_windows(_SAY, _judge),
    depends_on=(REACHABLE,),
    docs=_SAY.docs,
)
