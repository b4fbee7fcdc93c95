"""What the Hyper-V firewall lets into WSL: the wished ports, nothing, or everything."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet.checks.parts import hyperv_rules
from wslnet.checks.parts.findings import Findings
from wslnet.checks.parts.windows import on_windows
from wslnet.errors import PlanRefused, Unsupported
from wslnet.model.finding import Check, Finding, Fix, Status
from wslnet.model.machine import Kind
from wslnet.model.topology import lan_prefixes, uplinks
from wslnet.profiles.mirrored import mirrored_resources
from wslnet.profiles.modes import SetupOptions
from wslnet.resources.hyperv_rule import HyperVAllowRule
from wslnet.resources.hyperv_setting import HyperVDefaultInbound

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wslnet.model.allow import Allow
    from wslnet.model.change import Resource
    from wslnet.model.snapshot import Snapshot
    from wslnet.model.windows_facts import HyperVFirewall, HyperVRule, WindowsFacts

_SAY = Findings("hyperv.inbound", docs="https://learn.microsoft.com/windows/wsl/networking")


def _judge(snapshot: Snapshot, machine: str, windows: WindowsFacts) -> Iterator[Finding]:
    firewall = windows.hyperv_firewall
    if firewall is None:
        yield _SAY.unread(machine, "Hyper-V firewall")
    elif not firewall.supported:
        yield _SAY.skip(machine, "there is no Hyper-V firewall", depends_on=("hyperv.firewall",))
    elif _default(firewall) == "allow":
        yield _open(machine)
    elif "mirrored" not in {snapshot.inventory.wish.mode, snapshot.mode}:
        yield _SAY.skip(machine, "only in mirrored mode do these rules decide what reaches WSL from the LAN")
    elif windows.routes is None or windows.addresses is None:
        yield _SAY.unread(machine, "routes and addresses")
    elif snapshot.inventory.wish.allow:
        yield _wished_ports(snapshot, machine, firewall)
    else:
        yield _anything(machine, firewall)


def _default(firewall: HyperVFirewall) -> str:
    return ((firewall.setting.default_inbound if firewall.setting is not None else None) or "Block").lower()


def _open(machine: str) -> Finding:
    return _SAY.problem(
        Status.WARN,
        machine,
        "every port of WSL is open to every network",
        evidence=("DefaultInboundAction = Allow",),
        cause="the default inbound action of the Hyper-V firewall for WSL is Allow",
        fix=Fix(
            "wslnet setup --mirrored --allow tcp/PORT@lan",
            ("set DefaultInboundAction back to Block", "allow the ports that shall be reached, one by one"),
            (HyperVDefaultInbound(machine, "Block", "only allowed ports shall be reached"),),
        ),
    )


def _anything(machine: str, firewall: HyperVFirewall) -> Finding:
    rules = [
        rule for rule in hyperv_rules.inbound(firewall.rules, "Allow") if hyperv_rules.is_stream_or_any(rule)
    ]
    if rules:
        evidence = (
            f"rule {rule.name}: {rule.protocol} {', '.join(rule.local_ports) or 'any port'}" for rule in rules
        )
        return _SAY.ok(machine, "the LAN reaches the ports that rules admit", *evidence)
    return _SAY.problem(
        Status.WARN,
        machine,
        "nothing from the LAN is let into WSL",
        evidence=("default inbound: Block", "no enabled inbound rule allows TCP or UDP"),
        cause="the Hyper-V firewall blocks by default, and nobody has allowed a port",
        fix=Fix(
            "wslnet setup --mirrored --allow tcp/PORT@lan",
            ("name the ports of WSL that the LAN shall reach; leave it as it is if none",),
        ),
    )


def _wished_ports(snapshot: Snapshot, machine: str, firewall: HyperVFirewall) -> Finding:
    wish = snapshot.inventory.wish.allow
    verdicts = [(allow, *_verdict(snapshot, firewall, allow)) for allow in wish]
    closed = [allow for allow, admitted, _ in verdicts if not admitted]
    evidence = tuple(f"{allow}: {why}" for allow, _, why in verdicts)
    if not closed:
        return _SAY.ok(machine, "the wished ports are let into WSL", *evidence)
    options = " ".join(f"--allow {allow}" for allow in wish)
    resources, steps = _rules_for(
        snapshot, tuple(one for one in closed if not _blocked(snapshot, firewall, one))
    )
    for allow in closed:
        steps += tuple(_unblock(one) for one in _blocked(snapshot, firewall, allow))
    return _SAY.problem(
        Status.FAIL,
        machine,
        f"not let into WSL: {', '.join(str(allow) for allow in closed)}",
        evidence=evidence,
        cause="the Hyper-V firewall blocks by default, and no rule that holds here admits these ports",
        fix=Fix(f"wslnet setup --mirrored {options}", steps, resources),
    )


def _verdict(snapshot: Snapshot, firewall: HyperVFirewall, allow: Allow) -> tuple[bool, str]:
    """Whether the port is admitted, and the rule or the lack of one that decides."""
    category = _category(snapshot)
    prefixes = lan_prefixes(snapshot) if allow.scope == "lan" else ()
    for rule in _blocked(snapshot, firewall, allow):
        return False, f"rule {rule.name} blocks it, and a block wins over every allow"
    why = "no rule admits it"
    for rule in hyperv_rules.inbound(firewall.rules, "Allow"):
        if not hyperv_rules.names_port(rule, allow):
            continue
        if not hyperv_rules.holds_in(rule, category):
            why = f"rule {rule.name} holds in {', '.join(rule.profiles)} only, and the network is {category}"
        elif not hyperv_rules.covers(rule, prefixes):
            sources = ", ".join(prefixes) or (
                "any source" if allow.scope is None else "the LAN, and there is none"
            )
            why = f"rule {rule.name} admits {', '.join(rule.remote_addresses)}, wished is {sources}"
        else:
            return True, f"rule {rule.name} admits it"
    return False, why


def _blocked(snapshot: Snapshot, firewall: HyperVFirewall, allow: Allow) -> tuple[HyperVRule, ...]:
    """The rules that keep the port shut, whatever else lets it in."""
    prefixes = lan_prefixes(snapshot) if allow.scope == "lan" else ()
    return tuple(
        rule
        for rule in hyperv_rules.blocking(firewall.rules, allow, _category(snapshot))
        if hyperv_rules.covers(rule, prefixes)
    )


def _unblock(rule: HyperVRule) -> str:
    """How whoever made the rule takes it out of the way: it is never wslnet's to change."""
    if (rule.source or "").startswith("HostFirewall"):
        by_policy = "Policy" in (rule.source or "") or "MDM" in (rule.source or "")
        if by_policy:
            return f"rule {rule.name} comes from {rule.source}: ask who administers this Windows to narrow it"
        told = rule.display_name or rule.name
        return f"it is a rule of Windows' own firewall: Disable-NetFirewallRule -DisplayName '{told}'"
    return f"Disable-NetFirewallHyperVRule -Name {rule.name}"


def _category(snapshot: Snapshot) -> str | None:
    """The network category of the best uplink."""
    windows = snapshot.windows
    first = uplinks(snapshot)[:1]
    profiles = (windows.profiles if windows is not None else None) or ()
    return next((profile.category for profile in profiles if profile.index in first), None)


def _rules_for(snapshot: Snapshot, allows: tuple[Allow, ...]) -> tuple[tuple[Resource, ...], tuple[str, ...]]:
    try:
        resources = mirrored_resources(snapshot, SetupOptions(allow=allows))
    except (PlanRefused, Unsupported) as refused:
        return (), (refused.message,)
    rules = tuple(resource for resource in resources if isinstance(resource, HyperVAllowRule))
    return rules, tuple(f"{rule.why}: rule {rule.rule_name}" for rule in rules)


CHECK = Check(
    code=_SAY.code,
    title="The Hyper-V firewall lets in what is wished, and no more",
    needs={
        Kind.WINDOWS: frozenset({"hyperv_firewall", "wsl", "routes", "addresses", "profiles", "interfaces"}),
        Kind.WSL: frozenset({"wsl", "addresses"}),
        Kind.VM: frozenset({"addresses"}),
    },
    judge=on_windows(_SAY, _judge),
    depends_on=("hyperv.firewall",),
    docs=_SAY.docs,
)
