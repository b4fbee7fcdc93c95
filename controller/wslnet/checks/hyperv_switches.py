"""Does the Hyper-V firewall let the wished machines of a Hyper-V switch into WSL? NAT mode only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet.checks.parts import hyperv_rules
from wslnet.checks.parts.findings import MODE_KNOWN_BY, Findings
from wslnet.checks.parts.windows import on_windows
from wslnet.model.finding import Check, Finding, Fix, Status
from wslnet.model.machine import Kind
from wslnet.profiles.nat import reach_rules

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wslnet.model.snapshot import Snapshot
    from wslnet.model.windows_facts import HyperVFirewall, WindowsFacts
    from wslnet.resources.hyperv_rule import HyperVAllowRule

_SAY = Findings(
    "hyperv.switches",
    docs="https://learn.microsoft.com/windows/security/operating-system-security/network-security/"
    "windows-firewall/hyper-v-firewall",
)


def _judge(snapshot: Snapshot, machine: str, windows: WindowsFacts) -> Iterator[Finding]:
    if snapshot.mode is None:
        yield _SAY.skip(machine, "WSL's mode is not known", depends_on=MODE_KNOWN_BY)
    elif snapshot.mode != "nat":
        yield _SAY.skip(machine, f"not applicable in {snapshot.mode} mode")
    elif windows.hyperv_firewall is None or windows.addresses is None or windows.routes is None:
        yield _SAY.unread(machine, "Hyper-V firewall, addresses and routes")
    else:
        yield _nat(machine, windows.hyperv_firewall, reach_rules(snapshot))


def _nat(machine: str, firewall: HyperVFirewall, wanted: tuple[HyperVAllowRule, ...]) -> Finding:
    if not wanted:
        return _SAY.ok(machine, "no machine on a Hyper-V switch is wished to reach WSL")
    shut = [one for one in wanted if not _admitted(firewall, one)]
    names = ", ".join(address for one in shut or wanted for address in one.remote_addresses)
    if not shut:
        return _SAY.ok(machine, f"{names} may come into WSL by SSH")
    return _SAY.problem(
        Status.FAIL,
        machine,
        f"{names} may not come into WSL by SSH",
        evidence=[f"no rule admits {one.allow} from {', '.join(one.remote_addresses)}" for one in shut],
        cause="what Windows routes from another switch into WSL meets the Hyper-V firewall, which blocks by "
        "default",
        fix=Fix("wslnet setup --nat", tuple(f"{one.why}: rule {one.rule_name}" for one in shut), tuple(shut)),
    )


def _admitted(firewall: HyperVFirewall, wanted: HyperVAllowRule) -> bool:
    setting = firewall.setting
    named = {
        action: any(
            hyperv_rules.names_port(rule, wanted.allow) and hyperv_rules.covers(rule, wanted.remote_addresses)
            for rule in hyperv_rules.inbound(firewall.rules, action)
        )
        for action in ("Allow", "Block")
    }
    if setting is not None and (setting.enabled or "").lower() == "false":
        return True
    by_default = setting is not None and (setting.default_inbound or "").lower() == "allow"
    return not named["Block"] and (named["Allow"] or by_default)


CHECK = Check(
    code=_SAY.code,
    title="The Hyper-V firewall lets wished machines of a switch into WSL",
    needs={
        Kind.WINDOWS: frozenset({"hyperv_firewall", "addresses", "routes", "wsl"}),
        Kind.WSL: frozenset({"wsl"}),
    },
    judge=on_windows(_SAY, _judge),
    depends_on=("hyperv.firewall", *MODE_KNOWN_BY),
    docs=_SAY.docs,
)
