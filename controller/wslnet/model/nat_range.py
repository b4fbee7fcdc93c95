"""Ranges for WSL's NAT network: read from text, its gateway, and one that nothing of Windows uses. Pure."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from wslnet.errors import InputError
from wslnet.model.families import IPV4
from wslnet.model.portproxy import networks

if TYPE_CHECKING:
    from wslnet.model.windows_facts import WindowsFacts

_WIDEST, _NARROWEST = 16, 28
_LENGTH = 20
_PRIVATE = tuple(ipaddress.IPv4Network(text) for text in ("172.16.0.0/12", "192.168.0.0/16"))
"""Where WSL itself takes its range from (wsl-facts 2.2)."""


def parse_range(text: str) -> ipaddress.IPv4Network:
    """Reads a range such as `172.30.96.0/20`.

    Raises:
        InputError: it is no private IPv4 network of 16 to 28 bits, or has bits set behind its prefix.
    """
    try:
        found = ipaddress.IPv4Network(text)
    except ValueError as error:
        raise InputError(f"{text!r}: expected a network such as 172.30.96.0/20: {error}") from error
    if not found.is_private or found.is_loopback or not _WIDEST <= found.prefixlen <= _NARROWEST:
        raise InputError(f"{text}: expected a private network from /{_WIDEST} to /{_NARROWEST}")
    return found


def gateway_of(network: ipaddress.IPv4Network) -> str:
    """Windows' end in it: the first host, as WSL itself chooses (wsl-facts 1.3)."""
    return str(network[1])


def conflicts(windows: WindowsFacts, network: ipaddress.IPv4Network) -> tuple[str, ...]:
    """What of Windows beside WSL's own network lies in it, in words."""
    mine, others = networks(windows)
    routed = [
        ipaddress.IPv4Network(route.dst)
        for route in windows.routes or ()
        if route.family == IPV4 and not route.dst.endswith("/0")
    ]
    used = [
        *others,
        *(one for one in routed if one.is_private and not any(one.subnet_of(own) for own in mine)),
    ]
    return tuple(dict.fromkeys(str(one) for one in used if one.overlaps(network)))


def free_range(windows: WindowsFacts) -> ipaddress.IPv4Network | None:
    """The first /20 in which nothing of Windows lies, WSL's own of now left aside; None: there is none."""
    mine, _ = networks(windows)
    candidates = (each for block in _PRIVATE for each in block.subnets(new_prefix=_LENGTH))
    return next(
        (
            one
            for one in candidates
            if not conflicts(windows, one) and not any(one.overlaps(own) for own in mine)
        ),
        None,
    )
