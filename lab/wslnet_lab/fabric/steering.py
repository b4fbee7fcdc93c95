"""Which ports belong to WSL: what its root namespace has bound, less what Windows holds or never gives away."""

from __future__ import annotations

from dataclasses import dataclass

NEVER_TCP = frozenset({135, 1900, 2869, 3702, 5004, 5357, 5358})
NEVER_UDP = frozenset({68})


@dataclass(frozen=True)
class Ports:
    """Port numbers by protocol."""

    tcp: frozenset[int] = frozenset()
    udp: frozenset[int] = frozenset()


def read_ports(namespace: str) -> Ports:
    """Every local port that a socket of the namespace has, v4 and v6 together."""
    raise NotImplementedError


def choose(wsl: Ports, windows: Ports) -> Ports:
    """The ports to steer to WSL (wsl-facts 2.2)."""
    raise NotImplementedError
