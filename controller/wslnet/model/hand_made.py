"""Which routes, policy rules and kernel settings somebody made by hand: a restart loses them for good.

What the kernel, DHCP, WSL, libvirt or a routing daemon make comes back with its maker and is left out
(wsl-guest-facts 2 and 3). A doubt is no harm: what is there again after the restart is not made twice.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from wslnet.model.captured import KeptPolicy, KeptRoute, KeptSysctl, Lost

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wslnet.model.linux_facts import LinuxFacts
    from wslnet.model.linux_network import Route

OWN_PROTOCOL = 119
_BY_HAND = frozenset({0, 3, 4})
"""Route protocols unspec, boot (what `ip route add` writes) and static (the same, said by hand)."""

_STATIC = 4
_WSL_CARD = re.compile(r"(eth|wlan)\d+|loopback0")
_PASSING_LINK = re.compile(r"vnet\d+|tap\w*|veth\w*|virbr\d+-nic|docker\d+|br-[0-9a-f]{12}|lo")
_BRIDGE = re.compile(r"virbr\d+")
_PER_LINK = re.compile(r"net\.(?P<family>ipv[46])\.conf\.(?P<link>[^.]+)\.(?P<name>\w+)")
_WSL_LAST_PRIORITY, _MAIN_PRIORITY = 2, 32766
_RULE_ACTIONS = frozenset({"lookup", "blackhole", "unreachable", "prohibit"})
_TYPES = frozenset({"unicast", "blackhole", "unreachable", "prohibit", "throw"})

_DEFAULTS = {
    "net.ipv4.ip_forward": "0",
    "net.bridge.bridge-nf-call-iptables": "1",
    "net.bridge.bridge-nf-call-ip6tables": "1",
}
_LINK_DEFAULTS = {
    "ipv4": {"arp_filter": "0", "accept_local": "0", "route_localnet": "0", "proxy_arp": "0"},
    "ipv6": {"forwarding": "0", "disable_ipv6": "0"},
}
_WSL_WRITES = frozenset({"rp_filter", "arp_filter", "accept_ra", "disable_ipv6"})
"""What WSL itself writes under `all` and `default` in mirrored mode (wsl-guest-facts 2)."""


def routes(machine: str, facts: LinuxFacts, mode: str | None) -> Iterator[KeptRoute | Lost]:
    """The routes made by hand, and those of wslnet; `mode` is WSL's on its own machine, None elsewhere."""
    kinds = {link.name: link.kind for link in facts.links or ()}
    for route in facts.routes or ():
        own = route.proto == OWN_PROTOCOL
        if not own and (route.proto not in _BY_HAND or _is_configured(route)):
            continue
        here = mode if route.dev is not None and _WSL_CARD.fullmatch(route.dev) else None
        kept = KeptRoute(machine, route, here, own)
        if route.hops or route.type not in _TYPES:
            yield Lost(machine, kept.what, "a route with several next hops or of a rare type is not copied")
        elif kinds.get(route.dev or "") == "tun":
            yield Lost(machine, kept.what, f"it comes back with the program that makes {route.dev}")
        else:
            yield kept


def _is_configured(route: Route) -> bool:
    """Whether it is the default route of a network configuration, which sets it again at boot."""
    return route.proto == _STATIC and route.dst == "default"


def policies(machine: str, facts: LinuxFacts, mode: str | None) -> Iterator[KeptPolicy]:
    """The policy rules between the kernel's and WSL's first ones and the kernel's last two."""
    for rule in facts.rules or ():
        if _WSL_LAST_PRIORITY < rule.priority < _MAIN_PRIORITY and rule.action in _RULE_ACTIONS:
            bound = any(_WSL_CARD.fullmatch(link) for link in (rule.iif, rule.oif) if link is not None)
            yield KeptPolicy(machine, rule, mode if bound else None)


def sysctls(machine: str, facts: LinuxFacts, mode: str | None) -> Iterator[KeptSysctl]:
    """The settings that neither the kernel nor WSL, libvirt or docker gave their value."""
    found = facts.sysctls or {}
    for key, value in found.items():
        per_link = _PER_LINK.fullmatch(key)
        if per_link is None:
            if key in _DEFAULTS and value != _DEFAULTS[key] and not _is_forwarders(facts, key):
                yield KeptSysctl(machine, key, value)
            continue
        family, link, name = per_link["family"], per_link["link"], per_link["name"]
        default = _LINK_DEFAULTS[family].get(name)
        inherited = found.get(f"net.{family}.conf.default.{name}")
        general = link in {"all", "default"}
        if default is None or value == default or _PASSING_LINK.fullmatch(link):
            continue
        if (not general and value == inherited) or _is_of_maker(family, link, name, mode):
            continue
        yield KeptSysctl(machine, key, value, mode if _WSL_CARD.fullmatch(link) else None)


def _is_forwarders(facts: LinuxFacts, key: str) -> bool:
    """Whether libvirt or docker switch it on by themselves when they start."""
    docker = any(link.name == "docker0" for link in facts.links or ())
    return key == "net.ipv4.ip_forward" and (facts.domains is not None or docker)


def _is_of_maker(family: str, link: str, name: str, mode: str | None) -> bool:
    """Whether WSL (whose `mode` is not None) or libvirt writes it at each start."""
    if mode is not None and (
        _WSL_CARD.fullmatch(link) or (link in {"all", "default"} and name in _WSL_WRITES)
    ):
        return True
    return family == "ipv6" and _BRIDGE.fullmatch(link) is not None
