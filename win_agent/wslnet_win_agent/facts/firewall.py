"""The Hyper-V firewall as facts. Pure: outputs in, plain data out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet_win_agent.calls.firewall import WSL_CREATOR
from wslnet_win_agent.values import enum_names, flag_names, name_of, text, texts

if TYPE_CHECKING:
    from wslnet_win_agent.bridge import Reply, WindowsObject

_RULE = "MSFT_NetFirewallHyperVRule"
_SETTING = "MSFT_NetFirewallHyperVVMSetting"
_PROFILE = "MSFT_NetFirewallHyperVProfile"


def hyperv_firewall(reply: Reply) -> dict[str, object]:
    """Give the firewall's state for WSL; not supported where Windows has no such cmdlets (Windows 10)."""
    if any(error.is_unknown_command for error in reply.errors):
        return {
            "supported": False,
            "creator_registered": False,
            "setting": None,
            "stored_setting": None,
            "rules": [],
            "profiles": [],
        }
    # Read from two stores, the one in force first.
    settings = reply.rows(_SETTING)
    # Read from two stores: those in force, and those that are written and not in force yet.
    rules = {str(each["name"]).casefold(): each for each in map(rule, reversed(reply.rows(_RULE)))}
    return {
        "supported": True,
        "creator_registered": any(
            str(row.get("VMCreatorId")).casefold() == WSL_CREATOR.casefold()
            for row in reply.rows("MSFT_NetFirewallHyperVVMCreator")
        ),
        "setting": setting(settings[0]) if settings else None,
        "stored_setting": setting(settings[1]) if settings[1:] else None,
        "rules": list(reversed(rules.values())),
        "profiles": [profile(row) for row in reply.rows(_PROFILE)],
    }


def profile(row: WindowsObject) -> dict[str, object]:
    """Give what holds for one creator while its network is of one category."""
    return {
        "name": name_of(row, "Profile"),
        "enabled": name_of(row, "Enabled"),
        "default_inbound": name_of(row, "DefaultInboundAction"),
        "local_rules": name_of(row, "AllowLocalFirewallRules"),
    }


def setting(row: WindowsObject) -> dict[str, object]:
    """Give the settings of one creator as names (`True`, `Allow`, `NotConfigured` …)."""
    return {
        "enabled": name_of(row, "Enabled"),
        "default_inbound": name_of(row, "DefaultInboundAction"),
        "default_outbound": name_of(row, "DefaultOutboundAction"),
        "loopback": name_of(row, "LoopbackEnabled"),
        "host_policy_merge": name_of(row, "AllowHostPolicyMerge"),
    }


def rule(row: WindowsObject) -> dict[str, object]:
    """Give one rule; the unique name is the key `InstanceID`, also shown as `Name`."""
    return {
        "name": text(row.get("Name")) or text(row.get("InstanceID")) or "",
        "display_name": text(row.get("DisplayName")),
        "direction": name_of(row, "Direction"),
        "action": name_of(row, "Action"),
        "enabled": name_of(row, "Enabled") == "True",
        "protocol": text(row.get("Protocol")),
        "local_ports": list(texts(row.get("LocalPorts"))),
        "remote_addresses": list(texts(row.get("RemoteAddresses"))),
        "profiles": list(flag_names(row.get("Profiles"), enum_names(_RULE, "Profiles"))),
        "creator": text(row.get("VMCreatorId")),
        "source": name_of(row, "PolicyStoreSourceType"),
    }
