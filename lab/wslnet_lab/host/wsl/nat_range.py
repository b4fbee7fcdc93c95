"""The range and the address that a start in NAT mode asks for, of what the registry remembers. Pure.

Windows makes the network once per boot: later starts of WSL take it as it is (wsl-facts 1.3, 2.4). What
cannot be had is told, and another range or address taken in its place.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wslnet_lab.host.wsl.messages import Message

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from wslnet_lab.host.hardware import Adapter

_IPV4 = 4
_PRIVATE = ipaddress.IPv4Network("172.16.0.0/12")
_LENGTH = 20


@dataclass(frozen=True, slots=True)
class Remembered:
    """What the registry has; None: no value. The address is the user's, the others Windows'."""

    network: str | None
    gateway: str | None
    address: str | None


@dataclass(frozen=True, slots=True)
class NatRange:
    """What the machine below is asked for; None leaves it the choice."""

    network: str | None = None
    gateway: str | None = None
    address: str | None = None
    warnings: tuple[Message, ...] = ()


def choose(remembered: Remembered, adapters: Sequence[Adapter]) -> NatRange:
    """The range and address of a start, with the adapters that Windows has at that moment."""
    made = next(_networks(adapters, own=True), None)
    if made is not None:
        return _with_address(made.network, str(made.ip), remembered.address, ())
    if not remembered.network:
        return NatRange(address=remembered.address)
    used = [one.network for one in _networks(adapters, own=False)]
    network = _network(remembered)
    if network is not None and not any(network.overlaps(one) for one in used):
        return _with_address(network, remembered.gateway or str(network[1]), remembered.address, ())
    told = Message("nat-range", (remembered.network,))
    if network is not None:
        used.append(network)
    free = (
        one for one in _PRIVATE.subnets(new_prefix=_LENGTH) if not any(one.overlaps(each) for each in used)
    )
    another = next(free, None)
    if another is None:
        return NatRange(warnings=(told,))
    return _with_address(another, str(another[1]), remembered.address, (told,))


def _with_address(
    network: ipaddress.IPv4Network, gateway: str, address: str | None, warnings: tuple[Message, ...]
) -> NatRange:
    if address is not None and not _is_host(address, network, gateway):
        warnings, address = (*warnings, Message("nat-address", (address,))), None
    return NatRange(str(network), gateway, address, warnings)


def _network(remembered: Remembered) -> ipaddress.IPv4Network | None:
    """The remembered range; None where its gateway is no host in it, or one of them is no such thing."""
    try:
        network = ipaddress.IPv4Network(remembered.network or "")
    except ValueError:
        return None
    gateway = remembered.gateway
    return network if gateway is None or _is_host(gateway, network, None) else None


def _is_host(text: str, network: ipaddress.IPv4Network, other_than: str | None) -> bool:
    try:
        address = ipaddress.IPv4Address(text)
    except ValueError:
        return False
    ends = {network.network_address, network.broadcast_address}
    return address in network and address not in ends and text != other_than


def _networks(adapters: Sequence[Adapter], *, own: bool) -> Iterator[ipaddress.IPv4Interface]:
    """IPv4 addresses of WSL's own NAT adapter, or of all others."""
    for adapter in adapters:
        if (adapter.kind == "wsl-nat") == own:
            for one in adapter.addresses:
                if one.family == _IPV4:
                    yield ipaddress.IPv4Interface(f"{one.address}/{one.prefix}")
