"""The Hyper-V firewall for WSL, in force on what passes between Windows' network and the guest."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Rule:
    """One enabled rule; ports "8080", "5000-5010" or "Any", remotes addresses, prefixes, ranges, LocalSubnet."""

    name: str
    direction: str
    action: str
    protocol: str
    local_ports: tuple[str, ...] = ()
    remote_addresses: tuple[str, ...] = ()


@dataclass(frozen=True)
class Policy:
    """The effective policy for WSL's creator id (windows-facts 2)."""

    enabled: bool = True
    default_inbound: str = "Block"
    default_outbound: str = "Allow"
    loopback: bool = True
    rules: tuple[Rule, ...] = ()


def apply(windows: str, policy: Policy) -> None:
    """Put the policy in force in one step; it holds for NAT and mirrored mode and outlives the guest."""
    raise NotImplementedError
