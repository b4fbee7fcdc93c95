"""Do rules of this PC count in Windows' own firewall? A policy can switch them off (AllowLocalFirewallRules).

Published ports, Windows' services for WSL and its DNS proxy in NAT mode rest on such rules (wsl-facts 6,
no. 15). The Hyper-V firewall has a switch of its own: `hyperv.managed`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet.checks.parts.findings import REACHABLE, Findings, graded, look_again
from wslnet.checks.parts.windows import on_windows
from wslnet.model.finding import Check, Finding
from wslnet.model.machine import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wslnet.model.snapshot import Snapshot
    from wslnet.model.windows_facts import HyperVProfile, WindowsFacts

_SAY = Findings(
    "policy.local-rules",
    docs="https://learn.microsoft.com/windows/security/operating-system-security/network-security/"
    "windows-firewall/rules",
)

_NO = "False"


def _judge(snapshot: Snapshot, machine: str, windows: WindowsFacts) -> Iterator[Finding]:
    if windows.host_profiles is None:
        yield _SAY.unread(machine, "firewall profiles")
        return
    profiles = windows.host_profiles
    told = tuple(f"{machine}: {_words(one)}" for one in profiles)
    shut = [one.name or "?" for one in profiles if one.local_rules == _NO]
    if not shut:
        yield _SAY.ok(machine, "rules of this PC count in Windows' firewall", *told)
        return
    yield _SAY.problem(
        graded(wished=bool(snapshot.inventory.wish.forward)),
        machine,
        f"rules of this PC do not count in Windows' firewall: profile {', '.join(shut)}",
        evidence=told,
        cause="a policy lets in only what it lists itself: rules for published ports, and those that Windows "
        "makes for WSL's DNS, have no effect there",
        fix=look_again(
            _SAY.code,
            "ask who administers this Windows to let the port in by policy, or to allow local rules",
        ),
    )


def _words(one: HyperVProfile) -> str:
    return f"profile {one.name}: on {one.enabled}, rules of this PC {one.local_rules}"


CHECK = Check(
    code=_SAY.code,
    title="Rules of this PC count in Windows' firewall",
    needs={Kind.WINDOWS: frozenset({"host_profiles"})},
    judge=on_windows(_SAY, _judge),
    depends_on=(REACHABLE,),
    docs=_SAY.docs,
)
