"""What the LAN can reach now: listeners of WSL against the Hyper-V firewall, by the rule that lets them in.

Pure, over facts. What could not be read is said by its caller; nothing here guesses that a port is shut.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wslnet.checks.parts.host_rules import let_in
from wslnet.checks.parts.hyperv_rules import ANY, blocking, holds_in, inbound, names_port
from wslnet.model.allow import Allow
from wslnet.model.families import IPV4
from wslnet.model.grant import OWN_PREFIX
from wslnet.model.portproxy import leads_to_wsl
from wslnet.model.ports import NEVER_STEERED, OF_WSL_ITSELF
from wslnet.model.topology import lan_prefixes
from wslnet.model.windows_facts import HyperVProfile, WindowsListener
from wslnet.profiles import mirrored, nat
from wslnet.profiles.firewall import uplink_category
from wslnet.profiles.nat_forwards import IP_HELPER, PURPOSE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from wslnet.model.linux_network import Listener
    from wslnet.model.snapshot import Snapshot
    from wslnet.model.windows_facts import HyperVFirewall, HyperVRule, WindowsFacts

EVERYBODY = ("any source",)
_OFF = frozenset({"false", "disabled"})


@dataclass(frozen=True, slots=True)
class Exposure:
    """One port that somebody of the LAN can reach: where, who answers, from where, and what lets it in."""

    machine: str
    proto: str
    port: int
    process: str | None
    sources: tuple[str, ...]
    by: str


def exposures_of_wsl(snapshot: Snapshot, firewall: HyperVFirewall) -> Iterator[Exposure]:
    """The listeners of WSL that the LAN reaches by Windows' own addresses: in mirrored mode only."""
    wsl = snapshot.inventory.wsl
    facts = snapshot.linux(wsl.name) if wsl is not None else None
    if wsl is None or facts is None or snapshot.mode != mirrored.MODE:
        return
    taken = _of_windows(snapshot)
    lan = lan_prefixes(snapshot)
    seen: set[tuple[str, int]] = set()
    for one in facts.listeners or ():
        key = (one.proto, one.port)
        if key in seen or _is_loopback(one) or key in taken or key in NEVER_STEERED:
            continue
        seen.add(key)
        let_in = admitted(firewall, Allow(*key), uplink_category(snapshot), lan)
        if let_in is not None:
            yield Exposure(wsl.name, one.proto, one.port, one.process, *let_in)


def exposures_of_windows(snapshot: Snapshot) -> Iterator[Exposure]:
    """The ports of Windows that lead to WSL in NAT mode and that its own firewall lets the LAN come to."""
    facts, machine = snapshot.windows, snapshot.inventory.windows
    if facts is None or machine is None or facts.host_rules is None or snapshot.mode != nat.MODE:
        return
    category, lan = uplink_category(snapshot), lan_prefixes(snapshot)
    profile = next((one for one in facts.host_profiles or () if one.name == category), HyperVProfile())
    off = (profile.enabled or "").lower() in _OFF
    by_policy = (profile.local_rules or "").lower() in _OFF
    rules = tuple(one for one in facts.host_rules if not by_policy or one.source == "GroupPolicy")
    for listener, service in _leading_to_wsl(facts):
        if off:
            by = f"Windows' own firewall is off in the profile {category}"
            yield Exposure(machine.name, listener.proto, listener.port, listener.process, EVERYBODY, by)
            continue
        found = [
            (prefix, let_in(rules, listener, prefix, category=category, service=service)) for prefix in lan
        ]
        sources = tuple(prefix for prefix, (admits, _) in found if admits)
        if sources:
            by = next(why for _, (admits, why) in found if admits)
            yield Exposure(machine.name, listener.proto, listener.port, listener.process, sources, by)


def _leading_to_wsl(facts: WindowsFacts) -> Iterator[tuple[WindowsListener, str | None]]:
    published = {
        rule.listen_port
        for rule in facts.portproxy or ()
        if leads_to_wsl(facts, rule) and not rule.listen_address.startswith("127.")
    }
    carried = {
        int(port)
        for rule in facts.host_rules or ()
        if rule.name.startswith(f"{OWN_PREFIX}{PURPOSE}-udp-")
        for port in rule.local_ports
        if port.isdecimal()
    }
    for port in sorted(published):
        yield WindowsListener("tcp", "", port, process="svchost"), IP_HELPER[1]
    for port in sorted(carried):
        yield WindowsListener("udp", "", port, process="wslnet"), None


def admitted(
    firewall: HyperVFirewall, port: Allow, category: str | None, lan: Sequence[str]
) -> tuple[tuple[str, ...], str] | None:
    """Who of the LAN may come to a port of WSL, and by what; None: nobody. A block beats every allow."""
    off = guarding(firewall, category)
    if off is not None:
        return EVERYBODY, off
    blocks = [rule for rule in blocking(firewall.rules, port, category) if is_for_lan(rule, lan)]
    if any(_is_for_all(rule) for rule in blocks):
        return None
    but = f", but what rule {', '.join(rule.name for rule in blocks)} blocks" if blocks else ""
    if default_inbound(firewall, category) == "allow":
        return EVERYBODY, f"DefaultInboundAction = Allow{but}"
    rules = [
        rule
        for rule in inbound(firewall.rules, "Allow")
        if names_port(rule, port) and holds_in(rule, category) and is_for_lan(rule, lan)
    ]
    if not rules:
        return None
    wide = any(_is_for_all(rule) for rule in rules)
    named = dict.fromkeys(source for one in rules for source in one.remote_addresses)
    return EVERYBODY if wide else tuple(named), f"rule {', '.join(rule.name for rule in rules)}{but}"


def guarding(firewall: HyperVFirewall, category: str | None) -> str | None:
    """Why the firewall does not guard WSL at all in this category; None: it does."""
    setting = firewall.setting
    if setting is not None and (setting.enabled or "").lower() in _OFF:
        return "the Hyper-V firewall is off for WSL"
    for profile in firewall.profiles:
        if profile.name == category and (profile.enabled or "").lower() in _OFF:
            return f"the Hyper-V firewall is off in the profile {profile.name}"
    return None


def default_inbound(firewall: HyperVFirewall, category: str | None) -> str:
    """What becomes of a packet that no rule names: `allow` or `block`; a profile's own word goes first."""
    said = [profile.default_inbound for profile in firewall.profiles if profile.name == category]
    said.append(firewall.setting.default_inbound if firewall.setting is not None else None)
    return next((one.lower() for one in said if one and one.lower() != "notconfigured"), "block")


def is_for_lan(rule: HyperVRule, lan: Sequence[str]) -> bool:
    """Whether the rule speaks of any address of the LAN; a form that is not known counts as yes."""
    return _is_for_all(rule) or any(_touches(remote, lan) for remote in rule.remote_addresses)


def _touches(remote: str, lan: Sequence[str]) -> bool:
    """Whether an address, a prefix or a range lies in the LAN, even in part; all of them are IPv4 there."""
    low, _, high = remote.partition("-")
    try:
        network = ipaddress.ip_network(low.strip(), strict=False)
        first, last = int(network[0]), int(ipaddress.ip_address(high.strip()) if high else network[-1])
    except ValueError:
        return True
    ours = [ipaddress.IPv4Network(prefix) for prefix in lan] if network.version == IPV4 else []
    return any(first <= int(one[-1]) and int(one[0]) <= last for one in ours)


def _is_for_all(rule: HyperVRule) -> bool:
    return not rule.remote_addresses or any(remote.lower() in ANY for remote in rule.remote_addresses)


def _of_windows(snapshot: Snapshot) -> frozenset[tuple[str, int]]:
    """Ports that Windows itself holds: what arrives there is not for WSL."""
    listeners = (snapshot.windows.listeners if snapshot.windows is not None else None) or ()
    return frozenset(
        (one.proto.lower(), one.port)
        for one in listeners
        if one.address in {"0.0.0.0", "::"}  # noqa: S104 - compared only
        and (one.process or "").lower().removesuffix(".exe") not in OF_WSL_ITSELF
    )


def _is_loopback(one: Listener) -> bool:
    return ipaddress.ip_address(one.address.partition("%")[0]).is_loopback
