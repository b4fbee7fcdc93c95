"""What `wslnet firewall` declares: a rule per granted port, none where it is revoked or its time is over.

A start of Windows and a change of the network declare the same anew, from what the rules say of themselves.
Rules of others are read and never declared; what a policy decides is not fought.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet.errors import PlanRefused, Unsupported
from wslnet.model.grant import OWN_PREFIX, own_rule
from wslnet.model.topology import uplinks
from wslnet.profiles.lan_scope import lan_scope
from wslnet.resources.hyperv_rule import HyperVAllowRule

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from datetime import datetime

    from wslnet.model.grant import Grant, OwnRule
    from wslnet.model.snapshot import Snapshot
    from wslnet.model.windows_facts import HostRule, HyperVFirewall

PURPOSE = "allow"
"""Stands in the names of the rules that `setup --allow` and `firewall allow` make."""

_UNSET = frozenset({None, "", "notconfigured"})
_OFF = frozenset({"false", "disabled"})
_BY_POLICY = frozenset({"MDM", "HostFirewallGroupPolicy", "HostFirewallMDM"})
_PROFILES = {"DomainAuthenticated": "Domain"}


def allow_rule(snapshot: Snapshot, windows: str, grant: Grant) -> HyperVAllowRule:
    """The rule of one grant.

    Raises:
        PlanRefused: `@lan` was asked for and no private network is there.
    """
    allow = grant.allow
    if allow.scope is None:
        why = f"--allow {allow}: any source"
        return HyperVAllowRule(windows, allow, (), (), why, until=grant.until)
    prefixes, profiles = lan_scope(snapshot, f"--allow {allow}")
    why = f"--allow {allow}: the LAN is {', '.join(prefixes)}"
    return HyperVAllowRule(windows, allow, prefixes, profiles, why, until=grant.until)


def own_rules(snapshot: Snapshot) -> tuple[OwnRule, ...]:
    """The Hyper-V rules that wslnet made and that say of themselves what they are."""
    firewall = snapshot.windows.hyperv_firewall if snapshot.windows is not None else None
    found = (own_rule(rule) for rule in (firewall.rules if firewall is not None else ()))
    return tuple(one for one in found if one is not None)


def own_host_rules(snapshot: Snapshot) -> tuple[HostRule, ...]:
    """The rules of Windows' own firewall that wslnet made."""
    rules = snapshot.windows.host_rules if snapshot.windows is not None else None
    return tuple(one for one in rules or () if one.name.startswith(OWN_PREFIX) and one.source == "Local")


def revoked_rules(
    snapshot: Snapshot, windows: str, keys: Collection[tuple[str, int]]
) -> tuple[HyperVAllowRule, ...]:
    """The rules of `allow` for these protocols and ports, declared not to be there."""
    return tuple(
        HyperVAllowRule(windows, one.grant.allow, (), (), "it is revoked", present=False)
        for one in own_rules(snapshot)
        if one.purpose == PURPOSE and (one.grant.allow.proto, one.grant.allow.port) in keys
    )


def over_rules(snapshot: Snapshot, windows: str, now: datetime) -> tuple[HyperVAllowRule, ...]:
    """Every rule of ours whose time is over, declared not to be there."""
    return tuple(
        HyperVAllowRule(
            windows,
            one.grant.allow,
            (),
            (),
            f"it was granted until {one.grant.until}",
            rows=("N-19",),
            purpose=one.purpose,
            present=False,
        )
        for one in own_rules(snapshot)
        if one.grant.is_over(now)
    )


def renewed_rules(snapshot: Snapshot, windows: str, now: datetime) -> Iterator[HyperVAllowRule]:
    """The `@lan` rules that hold on, by the LAN of now; on a Public network they stay as they are."""
    for one in own_rules(snapshot):
        if one.grant.allow.scope is None or one.grant.is_over(now):
            continue
        try:
            prefixes, profiles = lan_scope(snapshot, str(one.grant.allow))
        except PlanRefused:
            continue
        why = f"{one.grant.allow}: the LAN is {', '.join(prefixes)} now"
        yield HyperVAllowRule(
            windows, one.grant.allow, prefixes, profiles, why, purpose=one.purpose, until=one.grant.until
        )


def expiries(snapshot: Snapshot, now: datetime) -> tuple[str, ...]:
    """When rules of ours are to go that are there now, in order."""
    ends = {one.grant.until for one in own_rules(snapshot) if not one.grant.is_over(now)}
    return tuple(sorted(end for end in ends if end is not None))


def refuse_managed(snapshot: Snapshot, *, open_all: bool = False) -> None:
    """Refuses what a policy of this PC's owner would keep from having an effect.

    Raises:
        Unsupported: rules of this PC do not count in the network's category, or, with `open_all`, the
            default action is a policy's to set.
    """
    windows = snapshot.windows
    firewall = windows.hyperv_firewall if windows is not None else None
    if firewall is None:
        return
    category = uplink_category(snapshot)
    for profile in firewall.profiles:
        if profile.name == category and (profile.local_rules or "").lower() in _OFF:
            raise Unsupported(
                f"the Hyper-V firewall takes no rules of this PC in the profile {profile.name} "
                "(AllowLocalFirewallRules is off): whoever manages it has to allow the port"
            )
    if open_all:
        for text in _settings_of_policy(firewall):
            raise Unsupported(f"--open-all would have no effect: {text}")


def managed(firewall: HyperVFirewall) -> tuple[str, ...]:
    """What a policy decides, in words: rules, local rules that do not count, settings (windows-facts 2)."""
    found = [
        f"rule {rule.name} ({rule.action} {rule.protocol or 'any protocol'}) comes from {rule.source}"
        for rule in firewall.rules
        if rule.source in _BY_POLICY
    ]
    found += [
        f"rules of this PC do not count in the profile {profile.name} (AllowLocalFirewallRules is off)"
        for profile in firewall.profiles
        if (profile.local_rules or "").lower() in _OFF
    ]
    return (*found, *_settings_of_policy(firewall))


def uplink_category(snapshot: Snapshot) -> str | None:
    """The firewall's name for the category of the best uplink: Domain, Private or Public."""
    windows = snapshot.windows
    first = uplinks(snapshot)[:1]
    profiles = (windows.profiles if windows is not None else None) or ()
    found = next((profile.category for profile in profiles if profile.index in first), None)
    return found and _PROFILES.get(found, found)


def _settings_of_policy(firewall: HyperVFirewall) -> Iterator[str]:
    """An effective action that is another one than the PC's own: a store above it decides."""
    stored = firewall.stored_setting.default_inbound if firewall.stored_setting is not None else None
    holds = firewall.setting.default_inbound if firewall.setting is not None else None
    if (stored or "").lower() not in _UNSET and holds is not None and holds != stored:
        yield f"DefaultInboundAction is {stored} in this PC's store, and a policy makes it {holds}"
    wanted = holds if (stored or "").lower() in _UNSET else stored
    for profile in firewall.profiles:
        if (profile.default_inbound or "").lower() not in _UNSET and profile.default_inbound != wanted:
            yield f"the profile {profile.name} has a default of its own: {profile.default_inbound}"
