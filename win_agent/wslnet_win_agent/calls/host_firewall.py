"""Calls about Windows' own firewall (NetSecurity): the rules of this PC's store, and what holds per profile.

Its parameters are singular (`LocalPort`, `Profile`), unlike those of the Hyper-V firewall (windows-facts 2).
"""

from __future__ import annotations

from dataclasses import dataclass

from wslnet_win_agent.call import Call

GROUP = "wslnet"
"""The group under which Windows lists our rules."""

_ANY = "Any"


@dataclass(frozen=True, slots=True)
class HostRule:
    """An inbound rule as it is to be; an empty tuple or None is no restriction."""

    name: str
    display_name: str
    action: str
    protocol: str
    local_ports: tuple[str, ...] = ()
    remote_addresses: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()
    program: str | None = None
    service: str | None = None


def host_profiles() -> Call:
    """What holds in each profile, whatever decides it (a policy, this PC)."""
    return Call("Get-NetFirewallProfile", {"PolicyStore": "ActiveStore"})


def create_host_rule(wanted: HostRule) -> Call:
    """Write: a new rule of this PC's store; a name that is there already is an error (windows-facts 1.3)."""
    terms: dict[str, object] = {
        "Name": wanted.name,
        "DisplayName": wanted.display_name,
        "Group": GROUP,
        "Direction": "Inbound",
        "Action": wanted.action,
        "Enabled": "True",
        "Profile": ",".join(wanted.profiles) or _ANY,
        "Protocol": wanted.protocol,
        "RemoteAddress": list(wanted.remote_addresses) or [_ANY],
    }
    # Protocols without ports refuse the parameter.
    if wanted.local_ports:
        terms["LocalPort"] = list(wanted.local_ports)
    if wanted.program is not None:
        terms["Program"] = wanted.program
    if wanted.service is not None:
        terms["Service"] = wanted.service
    return Call("New-NetFirewallRule", terms)


def remove_host_rule(name: str) -> Call:
    """Write: remove one rule of this PC's store by its unique name."""
    return Call("Remove-NetFirewallRule", {"Name": [name]})
