"""Does Windows' own firewall let in whom a port is published to in NAT mode? A policy is told, not fought."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet.checks.parts.findings import MODE_KNOWN_BY, Findings
from wslnet.checks.parts.host_rules import let_in
from wslnet.checks.parts.windows import on_windows
from wslnet.errors import PlanRefused
from wslnet.model.finding import Check, Finding, Fix, Status
from wslnet.model.forward import HOST
from wslnet.model.machine import Kind
from wslnet.model.windows_facts import WindowsListener
from wslnet.profiles.firewall import uplink_category
from wslnet.profiles.nat_forwards import IP_HELPER, MODE, host_rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wslnet.model.forward import Forward
    from wslnet.model.snapshot import Snapshot
    from wslnet.model.windows_facts import HyperVProfile, WindowsFacts
    from wslnet.resources.host_rule import HostAllowRule

_SAY = Findings("forward.firewall", docs="https://learn.microsoft.com/windows/wsl/networking")
_ANYBODY = "0.0.0.0/0"
_OFF = frozenset({"false", "disabled"})


def _judge(snapshot: Snapshot, machine: str, windows: WindowsFacts) -> Iterator[Finding]:
    published = [one for one in snapshot.inventory.wish.forward if one.scope != HOST]
    if snapshot.mode is None:
        yield _SAY.skip(machine, "WSL's mode is not known", depends_on=MODE_KNOWN_BY)
    elif snapshot.mode != MODE:
        yield _SAY.ok(machine, f"in {snapshot.mode} mode no port is published past Windows' own firewall")
    elif not published:
        yield _SAY.ok(machine, "no port is published to others")
    elif windows.host_rules is None or windows.host_profiles is None:
        yield _SAY.unread(machine, "host rules and profiles")
    else:
        yield _machine(snapshot, machine, windows, published)


def _machine(snapshot: Snapshot, machine: str, windows: WindowsFacts, published: list[Forward]) -> Finding:
    category = uplink_category(snapshot)
    profile = next((one for one in windows.host_profiles or () if one.name == category), None)
    if profile is not None and (profile.enabled or "").lower() in _OFF:
        return _SAY.ok(machine, f"Windows' own firewall is off in the profile {category}")
    told: list[str] = []
    shut: list[str] = []
    missing: list[HostAllowRule] = []
    for one in published:
        try:
            rule = host_rule(snapshot, machine, one)
        except PlanRefused as refused:
            told.append(f"{machine}: {refused.message}")
            continue
        admitted, why = _admits(windows, profile, one, rule)
        told.append(f"{machine}: {one.listen}: {why}")
        if not admitted:
            shut.append(one.listen)
            missing += [rule] if rule.diff(windows) else []
    if not shut:
        return _SAY.ok(machine, "Windows' own firewall lets in whom ports are published to", *told)
    return _SAY.problem(
        Status.FAIL,
        machine,
        f"Windows' own firewall keeps others from {', '.join(shut)}",
        evidence=told,
        cause="what is published in NAT mode is a port of Windows itself, and its firewall admits nobody "
        "whom no rule names; a rule that blocks, and a policy, win over ours",
        fix=_fix(missing, category, profile),
    )


def _admits(
    windows: WindowsFacts, profile: HyperVProfile | None, forward: Forward, rule: HostAllowRule
) -> tuple[bool, str]:
    process, service = ("svchost", IP_HELPER[1]) if forward.proto == "tcp" else ("wslnet", None)
    listener = WindowsListener(proto=forward.proto, address="", port=forward.port, pid=0, process=process)
    rules = windows.host_rules or ()
    by_policy = profile is not None and (profile.local_rules or "").lower() in _OFF
    if by_policy:
        rules = tuple(one for one in rules if one.source == "GroupPolicy")
    found = [
        let_in(rules, listener, prefix, category=profile.name if profile else None, service=service)
        for prefix in rule.remote_addresses or (_ANYBODY,)
    ]
    admitted, why = next((one for one in found if not one[0]), found[0])
    return admitted, f"{why}, and a policy takes no rules of this PC" if by_policy and not admitted else why


def _fix(missing: list[HostAllowRule], category: str | None, profile: HyperVProfile | None) -> Fix:
    if profile is not None and (profile.local_rules or "").lower() in _OFF:
        step = (
            f"whoever manages this PC has to allow the ports: its policy for {category} takes no other rules"
        )
        return Fix(f"wslnet doctor --only {_SAY.code}", (step,))
    steps = tuple(f"make the rule {one.rule_name}" for one in missing) or (
        "a rule of somebody else blocks: it is named above, and is his to change",
    )
    command = f"wslnet doctor {'--fix ' if missing else ''}--only {_SAY.code}"
    return Fix(command, steps, tuple(missing))


CHECK = Check(
    code=_SAY.code,
    title="Windows' own firewall lets in whom ports are published to",
    needs={
        Kind.WINDOWS: frozenset(
            {"host_rules", "host_profiles", "boot", "addresses", "adapters", "routes", "profiles", "wsl"}
        ),
        Kind.WSL: frozenset({"wsl"}),
    },
    judge=on_windows(_SAY, _judge),
    depends_on=MODE_KNOWN_BY,
    docs=_SAY.docs,
)
