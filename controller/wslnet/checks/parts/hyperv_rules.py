"""Whether Hyper-V firewall rules admit a port into WSL: the reading side of HyperVAllowRule.

A rule of anybody counts, and a block wins over every allow (wsl-facts 2.3).
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from wslnet.model.allow import Allow
from wslnet.resources.hyperv_rule import WSL_CREATOR

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from wslnet.model.windows_facts import HyperVRule

ANY = frozenset({"any", "*", ""})
_ANY_CREATOR = "{00000000-0000-0000-0000-000000000000}"
_NUMBERS = {"6": "tcp", "17": "udp", "256": "any"}
_PROFILES = {"DomainAuthenticated": "Domain"}
_WSL_OWN = "WslCore-"


def inbound(rules: Iterable[HyperVRule], action: str) -> tuple[HyperVRule, ...]:
    """The enabled inbound rules with this action that hold for WSL, WSL's own (ICMP, mDNS) left out."""
    return tuple(
        rule
        for rule in rules
        if rule.enabled
        and (rule.direction or "").lower() == "inbound"
        and (rule.action or "").lower() == action.lower()
        and (rule.creator or WSL_CREATOR).lower() in {WSL_CREATOR.lower(), _ANY_CREATOR}
        and not rule.name.lower().startswith(_WSL_OWN.lower())
    )


def blocking(rules: Iterable[HyperVRule], allow: Allow, category: str | None) -> tuple[HyperVRule, ...]:
    """The rules that keep this port shut for somebody while the network is of that category."""
    return tuple(
        rule for rule in inbound(rules, "Block") if names_port(rule, allow) and holds_in(rule, category)
    )


def admitting(rules: Iterable[HyperVRule], proto: str, port: int) -> tuple[HyperVRule, ...]:
    """The rules that let this port in for somebody, in whatever category."""
    return tuple(rule for rule in inbound(rules, "Allow") if names_port(rule, Allow(proto, port)))


def names_port(rule: HyperVRule, allow: Allow) -> bool:
    """Whether the rule speaks of this protocol and port, whoever may come."""
    protocol = (rule.protocol or "any").lower()
    protocol = _NUMBERS.get(protocol, protocol)
    if protocol not in {allow.proto, *ANY}:
        return False
    return not rule.local_ports or any(_port_in(text, allow.port) for text in rule.local_ports)


def is_stream_or_any(rule: HyperVRule) -> bool:
    """Whether the rule lets TCP or UDP in, so that it opens ports at all."""
    protocol = (rule.protocol or "any").lower()
    return _NUMBERS.get(protocol, protocol) in {"tcp", "udp", *ANY}


def holds_in(rule: HyperVRule, category: str | None) -> bool:
    """Whether the rule holds in the network category of the uplink; an unknown category counts as yes."""
    profiles = {profile.lower() for profile in rule.profiles}
    if not profiles or profiles & ANY or category is None:
        return True
    return _PROFILES.get(category, category).lower() in profiles


def covers(rule: HyperVRule, prefixes: Sequence[str]) -> bool:
    """Whether every source in `prefixes` (none: any source) is among the rule's remote addresses."""
    remotes = [remote for remote in rule.remote_addresses if remote.lower() not in ANY]
    if len(remotes) < len(rule.remote_addresses) or not rule.remote_addresses:
        return True
    return bool(prefixes) and all(any(_inside(prefix, remote) for remote in remotes) for prefix in prefixes)


def _port_in(text: str, port: int) -> bool:
    low, _, high = text.partition("-")
    if text.lower() in ANY:
        return True
    return low.strip().isdecimal() and int(low) <= port <= (
        int(high) if high.strip().isdecimal() else int(low)
    )


def _inside(prefix: str, remote: str) -> bool:
    if remote.lower() == "localsubnet":
        return True
    wanted = ipaddress.ip_network(prefix)
    low, dash, high = remote.partition("-")
    try:
        if dash:
            first, last = ipaddress.ip_address(low.strip()), ipaddress.ip_address(high.strip())
            return int(first) <= int(wanted[0]) and int(wanted[-1]) <= int(last)
        network = ipaddress.ip_network(remote, strict=False)
    except ValueError:
        # A form that we do not know (a keyword of a later Windows) is no proof that the LAN may come in.
        return False
    return (
        isinstance(wanted, ipaddress.IPv4Network)
        and isinstance(network, ipaddress.IPv4Network)
        and wanted.subnet_of(network)
    )
