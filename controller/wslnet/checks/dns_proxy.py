"""Behind NAT and without WSL's tunnel: does a policy keep WSL's questions from Windows' DNS proxy?

The proxy lives by firewall rules of this PC (wsl-facts 6, no. 15), which a policy can switch off:
`policy.local-rules` tells that. The tunnel needs no rule.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet.checks.parts.findings import MODE_KNOWN_BY, Findings
from wslnet.checks.parts.windows import on_windows
from wslnet.checks.parts.wslconfig import config_of
from wslnet.model.finding import Check, Finding, Fix, Status
from wslnet.model.machine import Kind
from wslnet.resources.wslconfig_keys import WslConfigKeys

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wslnet.model.snapshot import Snapshot
    from wslnet.model.windows_facts import WindowsFacts

_SAY = Findings("dns.proxy", docs="https://learn.microsoft.com/windows/wsl/troubleshooting")

_KEY = "wsl2.dnsTunneling"
_OFF = frozenset({"false", "0"})


def _judge(snapshot: Snapshot, machine: str, windows: WindowsFacts) -> Iterator[Finding]:
    config = config_of(snapshot)
    if snapshot.mode is None:
        yield _SAY.skip(machine, "WSL's mode is not known", depends_on=MODE_KNOWN_BY)
    elif snapshot.mode != "nat":
        yield _SAY.skip(machine, f"this is of NAT mode only, and WSL runs in {snapshot.mode} mode")
    elif config is None or windows.host_profiles is None:
        yield _SAY.unread(machine, ".wslconfig and firewall profiles")
    elif (config.value(_KEY) or "true").lower() not in _OFF:
        yield _SAY.ok(machine, "WSL does not ask Windows' DNS proxy")
    else:
        shut = [one.name or "?" for one in windows.host_profiles if one.local_rules == "False"]
        yield _asks_proxy(machine, shut)


def _asks_proxy(machine: str, shut: list[str]) -> Finding:
    if not shut:
        return _SAY.ok(machine, "rules of this PC count, and so do those of Windows' DNS proxy")
    return _SAY.problem(
        Status.WARN,
        machine,
        "a policy keeps WSL's questions from Windows' DNS proxy",
        evidence=(
            f"{machine}: {_KEY} is off in .wslconfig",
            f"{machine}: rules of this PC do not count in profile {', '.join(shut)}",
        ),
        cause="behind NAT, WSL asks a proxy of Windows that is let in by rules of this PC alone: names are "
        "slow or fail where they have no effect",
        fix=Fix(
            f"wslnet config set {_KEY} true",
            ("let WSL ask through its tunnel, which needs no rule", "let WSL start anew: wslnet restart"),
            (WslConfigKeys(machine, {_KEY: "true"}, "WSL's tunnel needs no firewall rule"),),
        ),
    )


CHECK = Check(
    code=_SAY.code,
    title="WSL's questions for names reach Windows",
    needs={
        Kind.WINDOWS: frozenset({"host_profiles", "wslconfig", "wsl"}),
        Kind.WSL: frozenset({"wsl"}),
    },
    judge=on_windows(_SAY, _judge),
    depends_on=MODE_KNOWN_BY,
    docs=_SAY.docs,
)
