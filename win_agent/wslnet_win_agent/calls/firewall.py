"""Calls about the Hyper-V firewall (NetSecurity, Windows 11 22H2 and later; windows-facts 2).

Note the plural parameter names (`LocalPorts`, `Profiles`): the singular ones of the other firewall would
bind as abbreviations.
"""

from __future__ import annotations

from dataclasses import dataclass

from wslnet_win_agent.call import Call

WSL_CREATOR = "{40E0AC32-46A5-438A-A0B2-2B479E8F2E90}"
"""The creator id of WSL; the braces belong to it (windows-facts 2)."""

_ANY = "Any"


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule as it is to be; an empty tuple is any port, source or profile."""

    name: str
    display_name: str
    direction: str
    action: str
    protocol: str
    local_ports: tuple[str, ...] = ()
    remote_addresses: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()
    creator: str = WSL_CREATOR
    enabled: bool = True


def creators() -> Call:
    """Who has registered itself; WSL does at its VM's first start. Early builds know no filter for it."""
    return Call("Get-NetFirewallHyperVVMCreator")


def setting(creator_id: str = WSL_CREATOR) -> Call:
    """The effective setting: the default store shows NotConfigured (windows-facts 2)."""
    return Call("Get-NetFirewallHyperVVMSetting", {"Name": [creator_id], "PolicyStore": "ActiveStore"})


def stored_setting(creator_id: str = WSL_CREATOR) -> Call:
    """The setting as an administrator left it; not found when none ever did."""
    return Call("Get-NetFirewallHyperVVMSetting", {"Name": [creator_id], "PolicyStore": "PersistentStore"})


def hyperv_profiles(creator_id: str = WSL_CREATOR) -> Call:
    """The effective profiles of one creator; early builds lack them (windows-facts 2)."""
    return Call("Get-NetFirewallHyperVProfile", {"Name": [creator_id], "PolicyStore": "ActiveStore"})


def rules(creator_id: str = WSL_CREATOR) -> Call:
    """The rules in force for one creator."""
    return Call("Get-NetFirewallHyperVRule", {"VMCreatorId": [creator_id], "PolicyStore": "ActiveStore"})


def stored_rules(creator_id: str = WSL_CREATOR) -> Call:
    """The rules that an administrator left for one creator, in force or not."""
    return Call("Get-NetFirewallHyperVRule", {"VMCreatorId": [creator_id]})


def rule(name: str) -> Call:
    """One rule by its unique name, as an administrator left it."""
    return Call("Get-NetFirewallHyperVRule", {"Name": [name]})


def create_rule(wanted: Rule) -> Call:
    """Write: a new rule."""
    return Call(
        "New-NetFirewallHyperVRule",
        {"Name": wanted.name, "DisplayName": wanted.display_name} | _terms(wanted),
    )


def remove_rule(name: str) -> Call:
    """Write: remove one rule by its unique name."""
    return Call("Remove-NetFirewallHyperVRule", {"Name": [name]})


def change_setting(creator_id: str, default_inbound_action: str) -> Call:
    """Write: the default inbound action of a creator that has a setting."""
    values = {"Name": [creator_id], "DefaultInboundAction": default_inbound_action}
    return Call("Set-NetFirewallHyperVVMSetting", values)


def create_setting(creator_id: str, default_inbound_action: str) -> Call:
    """Write: a setting for a creator that has none yet."""
    values = {"Name": creator_id, "DefaultInboundAction": default_inbound_action}
    return Call("New-NetFirewallHyperVVMSetting", values)


def _terms(wanted: Rule) -> dict[str, object]:
    terms: dict[str, object] = {
        "Direction": wanted.direction,
        "VMCreatorId": wanted.creator,
        "Protocol": wanted.protocol,
        "RemoteAddresses": list(wanted.remote_addresses) or [_ANY],
        "Profiles": ",".join(wanted.profiles) or _ANY,
        "Action": wanted.action,
        "Enabled": "True" if wanted.enabled else "False",
    }
    # Protocols without ports refuse the parameter.
    if wanted.local_ports:
        terms["LocalPorts"] = list(wanted.local_ports)
    return terms
