"""Windows' own firewall, in force on what comes to Windows itself from the networks of its adapters.

It fills the chains `own_in` and `own_CATEGORY` that `windows_rules.BOOT` made. What comes by no adapter of
Windows is not judged: its loopback, and the wires by which a mirrored WSL comes past it (wsl-facts 2.2).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .hyperv_firewall import inbound_rules, local_subnets, names_subnets
from .netns import Namespace
from .windows_rules import WINDOWS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .hyperv_firewall import Policy

CATEGORIES = ("DomainAuthenticated", "Private", "Public")


@dataclass(frozen=True)
class Zone:
    """One category of networks: the adapters that are in such a one, and what holds for them."""

    category: str
    devices: tuple[str, ...]
    policy: Policy


def apply(windows: str, zones: Iterable[Zone]) -> None:
    """Put it in force in one step; connections that exist go on.

    `LocalSubnet` means the subnets that Windows has at this moment. A switch of Windows that no zone names
    is public: such a network cannot be identified.

    Raises:
        FabricError: A rule has a protocol, port or address that is none, or Windows was not prepared.
    """
    chosen = tuple(zones)
    with Namespace(windows) as ns:
        subnets = local_subnets(ns) if any(names_subnets(zone.policy) for zone in chosen) else ()
        ns.nft(render(chosen, subnets))


def render(zones: Iterable[Zone], subnets: Sequence[str] = ()) -> str:
    """The zones as one nft transaction; `subnets` stand for LocalSubnet."""
    lines = [f"flush chain {WINDOWS} own_in"]
    for zone in zones:
        chain = chain_of(zone.category)
        lines.append(f"flush chain {WINDOWS} {chain}")
        lines += [f"add rule {WINDOWS} {chain} {rule}" for rule in inbound_rules(zone.policy, subnets)]
        if zone.devices:
            devices = ", ".join(f'"{device}"' for device in zone.devices)
            lines.append(f"add rule {WINDOWS} own_in iifname {{ {devices} }} goto {chain}")
    lines.append(f"add rule {WINDOWS} own_in iifname @internal goto {chain_of('Public')}")
    return "\n".join(lines) + "\n"


def chain_of(category: str) -> str:
    """Name of the chain of a category."""
    return f"own_{category.lower()}"
