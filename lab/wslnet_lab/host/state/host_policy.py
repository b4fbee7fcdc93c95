"""What Windows' own firewall lets in now, by the category of the network that it comes from. Pure.

Block beats allow. A rule of a program is judged by its ports alone, for each port has one program here; one
that is bound to an adapter, or names neither port nor protocol, lets nothing in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wslnet_lab.host.hardware import EffectivePolicy, EffectiveRule
from wslnet_lab.host.state.firewall import ALLOW, BLOCK, INBOUND, PROFILE_BITS, RULE_ENABLED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

POLICIES = r"HKEY_LOCAL_MACHINE\SOFTWARE\Policies\Microsoft\WindowsFirewall"
"""Where Group Policy keeps what it decides about a profile ([MS-GPFAS] 2.2.2)."""

PROFILE_NAMES: Mapping[str, str] = {"DomainAuthenticated": "Domain", "Private": "Private", "Public": "Public"}
_SUBNET = "localsubnet"


def host_policy(
    rules: Iterable[Mapping[str, Any]], category: str, *, enabled: bool, local_rules: bool
) -> EffectivePolicy:
    """What holds for a network of this category.

    Args:
        rules: The rules of this PC's store.
        category: `Public`, `Private` or `DomainAuthenticated`.
        enabled: The profile is on.
        local_rules: Rules of this PC count; a Group Policy may say they do not.
    """
    bit = PROFILE_BITS[category]
    effective = [_effective(row) for row in rules if local_rules and _counts(row, bit)]
    return EffectivePolicy(
        enabled=enabled,
        default_inbound="Block",
        default_outbound="Allow",
        loopback=True,
        rules=tuple(sorted(effective, key=lambda rule: rule.action != "Block")),
    )


def _counts(row: Mapping[str, Any], bit: int) -> bool:
    narrow = row["Protocol"] != "Any" or row["Action"] == BLOCK
    return (
        row["Enabled"] == RULE_ENABLED
        and row["Direction"] == INBOUND
        and row["Action"] in {ALLOW, BLOCK}
        and (row["Profiles"] == 0 or bool(row["Profiles"] & bit))
        and row.get("InterfaceAlias") in (None, "Any", [], ["Any"])
        and (narrow or row.get("Program") in {None, "Any"})
        and bool(_remotes(row) or "Any" in row["RemoteAddress"])
    )


def _effective(row: Mapping[str, Any]) -> EffectiveRule:
    return EffectiveRule(
        name=row["InstanceID"],
        direction="Inbound",
        action="Allow" if row["Action"] == ALLOW else "Block",
        protocol=row["Protocol"],
        local_ports=tuple(port for port in row["LocalPort"] if port != "Any"),
        remote_addresses=_remotes(row),
    )


def _remotes(row: Mapping[str, Any]) -> tuple[str, ...]:
    """Addresses and LocalSubnet; the other words stand for places that the lab has not."""
    texts = (str(text) for text in row["RemoteAddress"])
    return tuple(text for text in texts if text.lower() == _SUBNET or not text.isalpha())
