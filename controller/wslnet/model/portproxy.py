"""What portproxy rules of Windows are good for: which lead to WSL, which lead nowhere any more. Pure."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from wslnet.model.adapter_roles import Role, roles
from wslnet.model.families import IPV4
from wslnet.model.forward import HOST, Forward

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wslnet.model.snapshot import Snapshot
    from wslnet.model.windows_facts import PortProxy, WindowsFacts

_FAMILY = "v4tov4"
_EVERYWHERE = frozenset({"*", "0.0.0.0"})  # noqa: S104 - as rules say it
_LOOPBACK = "127.0.0.1"

Networks = tuple[ipaddress.IPv4Network, ...]


def networks(windows: WindowsFacts) -> tuple[Networks, Networks]:
    """The networks of WSL's own adapter, and those of all others."""
    role = roles(windows)
    pairs = [
        (role.get(one.index), ipaddress.IPv4Network(f"{one.address}/{one.prefix}", strict=False))
        for one in windows.addresses or ()
        if one.family == IPV4
    ]
    return (
        tuple(network for part, network in pairs if part is Role.WSL),
        tuple(network for part, network in pairs if part is not Role.WSL),
    )


def target_of(rule: PortProxy) -> ipaddress.IPv4Address | None:
    """The IPv4 address that it leads to; None for a name or IPv6: where that leads is not ours to say."""
    try:
        return ipaddress.IPv4Address(rule.connect_address)
    except ValueError:
        return None


def adoptable(snapshot: Snapshot) -> Iterator[tuple[Forward, PortProxy]]:
    """Rules that lead into WSL's network, on all addresses of Windows or its loopback, as forwards."""
    windows, wsl = snapshot.windows, snapshot.inventory.wsl
    if windows is None or wsl is None:
        return
    of_wsl, _ = networks(windows)
    for rule in windows.portproxy or ():
        target = target_of(rule)
        if rule.family != _FAMILY or target is None or not any(target in one for one in of_wsl):
            continue
        if rule.listen_address in {*_EVERYWHERE, _LOOPBACK}:
            scope = HOST if rule.listen_address == _LOOPBACK else None
            yield Forward("tcp", rule.listen_port, scope, wsl.name, rule.connect_port), rule


def useless(snapshot: Snapshot) -> tuple[PortProxy, ...]:
    """Rules to where nothing of Windows leads in mirrored mode: WSL's old network, or one that nobody has.

    What a route beside the default one leads to, a VPN's network for example, is somebody's.
    """
    windows = snapshot.windows
    if windows is None:
        return ()
    return tuple(rule for rule in windows.portproxy or () if leads_to_wsl(windows, rule))


def leads_to_wsl(windows: WindowsFacts, rule: PortProxy) -> bool:
    """Whether a rule leads into WSL's network of now, or into one that nothing of Windows has any more."""
    target = target_of(rule)
    if rule.family != _FAMILY or target is None or target.is_loopback or target.is_global:
        return False
    of_wsl, others = networks(windows)
    routed = [ipaddress.ip_network(route.dst) for route in windows.routes or () if route.family == IPV4]
    known = [*others, *(network for network in routed if network.prefixlen and network not in of_wsl)]
    return any(target in one for one in of_wsl) or not any(target in one for one in known)
