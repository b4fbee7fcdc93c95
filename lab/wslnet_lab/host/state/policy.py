"""The Hyper-V firewall policy that packets of WSL meet now, out of stores, profile and host rules. Pure.

Block beats allow, disabled rules and other profiles' rules do not count, host rules count when the merge is
on and they speak of addresses and ports only (wsl-facts 2.3).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wslnet_lab.host.hardware import EffectivePolicy, EffectiveRule
from wslnet_lab.host.state.firewall import (
    ALLOW,
    ANY_CREATOR,
    BLOCK,
    INBOUND,
    NOT_CONFIGURED_ACTION,
    PROFILE_BITS,
    RULE_ENABLED,
    TRUE,
    WSL_CREATOR,
    HyperVFirewall,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def effective_policy(
    firewall: HyperVFirewall,
    *,
    category: str,
    host_rules: Iterable[Mapping[str, Any]],
    switched_off: bool,
) -> EffectivePolicy:
    """What holds for WSL.

    Args:
        firewall: The stores.
        category: Of the connection profile that WSL's traffic takes.
        host_rules: Rules of the host's own firewall, as its store has them.
        switched_off: HyperVFirewallDisable is 1, or WSL started with `firewall=false`.
    """
    bit = PROFILE_BITS.get(category, PROFILE_BITS["Public"])
    setting = firewall.effective_setting(WSL_CREATOR)
    profile = firewall.effective_profile(WSL_CREATOR, bit)
    enabled = not switched_off and setting["Enabled"] == TRUE and profile["Enabled"] == TRUE
    rules = [row for row in firewall.all_rules() if _applies(row, bit)]
    if profile["AllowLocalFirewallRules"] != TRUE:
        rules = [row for row in rules if row in firewall.system_rules().values()]
    rules += [row for row in merged_rules(firewall, host_rules) if _applies(row, bit)]
    effective = [_effective(row) for row in rules]
    return EffectivePolicy(
        enabled=enabled,
        default_inbound=_action(profile, setting, "DefaultInboundAction"),
        default_outbound=_action(profile, setting, "DefaultOutboundAction"),
        loopback=setting["LoopbackEnabled"] == TRUE,
        rules=tuple(sorted(effective, key=lambda rule: rule.action != "Block")),
    )


def merged_rules(firewall: HyperVFirewall, host_rules: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The host's own rules that count for WSL, as Hyper-V rules; none when the merge is off."""
    if firewall.effective_setting(WSL_CREATOR)["AllowHostPolicyMerge"] != TRUE:
        return []
    return [_as_hyperv(row) for row in host_rules if _mergeable(row)]


def _action(profile: Mapping[str, Any], setting: Mapping[str, Any], name: str) -> str:
    value = profile[name] if profile[name] != NOT_CONFIGURED_ACTION else setting[name]
    return "Block" if value == BLOCK else "Allow"


def _applies(row: Mapping[str, Any], bit: int) -> bool:
    return (
        row["Enabled"] == RULE_ENABLED
        and row["Action"] in {ALLOW, BLOCK}
        and (row["Profiles"] == 0 or bool(row["Profiles"] & bit))
        and row["VMCreatorId"].upper() in {WSL_CREATOR, ANY_CREATOR}
    )


def _mergeable(row: Mapping[str, Any]) -> bool:
    # Rules bound to a program, service or interface are not carried over (maintainer, WSL#10495).
    return not any(row.get(name) not in (None, "Any") for name in ("Program", "Service", "InterfaceAlias"))


def _as_hyperv(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "InstanceID": row["InstanceID"],
        "DisplayName": row["DisplayName"],
        "RulePriority": 0,
        "LocalAddresses": row["LocalAddress"],
        "RemotePorts": row["RemotePort"],
        "Direction": row["Direction"],
        "Action": row["Action"],
        "Enabled": row["Enabled"],
        "Profiles": row["Profiles"],
        "VMCreatorId": WSL_CREATOR,
        "Protocol": row["Protocol"],
        "LocalPorts": row["LocalPort"],
        "RemoteAddresses": row["RemoteAddress"],
    }


def _effective(row: Mapping[str, Any]) -> EffectiveRule:
    return EffectiveRule(
        name=row["InstanceID"],
        direction="Inbound" if row["Direction"] == INBOUND else "Outbound",
        action="Allow" if row["Action"] == ALLOW else "Block",
        protocol=row["Protocol"],
        local_ports=_unless_any(row["LocalPorts"]),
        remote_addresses=_unless_any(row["RemoteAddresses"]),
    )


def _unless_any(values: Iterable[str]) -> tuple[str, ...]:
    texts = tuple(values)
    return () if any(text.lower() == "any" for text in texts) else texts
