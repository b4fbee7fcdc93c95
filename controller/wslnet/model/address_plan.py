"""One address planner for all machines: which IPv4 prefixes are used anywhere, and a free one.

Pure, over a snapshot with `addresses` and `routes`. It can only know what was read: a machine that was not
seen, and a network that is merely defined, use nothing here.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import TYPE_CHECKING

from wslnet.errors import InputError
from wslnet.model.machine import Kind

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from wslnet.model.snapshot import Snapshot

_MULTICAST = IPv4Network("224.0.0.0/3")
"""Multicast and what lies above it, limited broadcast too."""
_HALF_THE_WORLD = 1
"""A VPN that takes everything says 0.0.0.0/1 and 128.0.0.0/1: more specific prefixes still win."""
_LONGEST, _SHORTEST = 30, 8
_FIRST, _LAST = 100, 254
"""Third numbers of 192.168.N.0/24 to choose from: what lies lower belongs to home routers."""
_NOTE = 223
"""Note 004 builds its networks in 192.168.223.0/24, so the choice begins there."""


@dataclass(frozen=True, slots=True)
class Use:
    """A prefix that is used: on which machine and link, and how, in words."""

    network: IPv4Network
    machine: str
    link: str
    how: str
    via: str | None = None

    def __str__(self) -> str:
        return f"{self.machine}: {self.how}"


def uses(snapshot: Snapshot) -> tuple[Use, ...]:
    """Everything that Windows and the Linux machines have an address in or a route to, peers left out.

    Default routes, loopback and multicast are on every machine and count nowhere.
    """
    found = (*_of_windows(snapshot), *_of_linux(snapshot), *_of_routers(snapshot))
    return tuple(use for use in found if counts(use.network))


def counts(network: IPv4Network) -> bool:
    """Whether a prefix is more than what every machine has."""
    return (
        network.prefixlen > _HALF_THE_WORLD and not network.is_loopback and not network.subnet_of(_MULTICAST)
    )


def rivals(snapshot: Snapshot, wanted: IPv4Network, own: Collection[tuple[str, str]] = ()) -> tuple[Use, ...]:
    """What overlaps `wanted`. `own` are the links, as (machine, link), whose network it is already.

    A route to one of those links' networks by way of a machine of the inventory is the way there, no rival.
    """
    every = uses(snapshot)
    mine = {use.network for use in every if (use.machine, use.link) in own}
    ours = {one.address for one in snapshot.inventory.machines.values() if one.address is not None}
    return tuple(
        use
        for use in every
        if use.network.overlaps(wanted)
        and (use.machine, use.link) not in own
        and not (use.network in mine and use.via in ours)
    )


def free_subnet(snapshot: Snapshot, wanted: str | None, own: Collection[tuple[str, str]] = ()) -> IPv4Network:
    """The prefix for a new network: the wanted one if it is used nowhere, else, without a wish, a free /24.

    Args:
        snapshot: what was read; all machines of the inventory should be in it.
        wanted: a prefix such as `192.168.223.0/24` (an address in it will do), or None.
        own: links, as (machine, link), that have this network already: the same wish twice is no collision.

    Raises:
        InputError: `wanted` is no private IPv4 prefix of 8 to 30 bits, or it is used; says by whom.
    """
    if wanted is None:
        return _choose(snapshot, own)
    network = _parsed(wanted)
    used = rivals(snapshot, network, own)
    if used:
        more = f" (and {len(used) - 1} more)" if len(used) > 1 else ""
        raise InputError(
            f"{network} is used already: {used[0]}{more}",
            machine=used[0].machine,
            hint=f"{_choose(snapshot, own)} is free",
        )
    return network


def _choose(snapshot: Snapshot, own: Collection[tuple[str, str]]) -> IPv4Network:
    for number in (*range(_NOTE, _LAST + 1), *range(_FIRST, _NOTE)):
        network = IPv4Network(f"192.168.{number}.0/24")
        if not rivals(snapshot, network, own):
            return network
    for number in range(_FIRST, _LAST + 1):
        network = IPv4Network(f"10.{number}.223.0/24")
        if not rivals(snapshot, network, own):
            return network
    raise InputError(
        "no free subnet is left in 192.168.100.0 to 192.168.254.0 and 10.100 to 10.254: name one"
    )


def _parsed(text: str) -> IPv4Network:
    try:
        network = IPv4Network(text, strict=False)
    except ValueError:
        raise InputError(f"{text!r} is no IPv4 prefix such as 192.168.223.0/24") from None
    if not _SHORTEST <= network.prefixlen <= _LONGEST:
        raise InputError(f"{text!r}: the prefix of a network has {_SHORTEST} to {_LONGEST} bits")
    if not network.is_private or network.is_loopback or network.is_link_local:
        raise InputError(f"{text!r} is no private network (10/8, 172.16/12, 192.168/16)")
    return network


def _of_windows(snapshot: Snapshot) -> Iterator[Use]:
    windows, machine = snapshot.windows, snapshot.inventory.windows
    if windows is None or machine is None:
        return
    for address in windows.addresses or ():
        network = network_of(f"{address.address}/{address.prefix}")
        if network is not None:
            how = f"{address.address}/{address.prefix} on {address.alias}"
            yield Use(network, machine.name, address.alias, how)
    for route in windows.routes or ():
        network = network_of(route.dst)
        if network is not None:
            how = f"route to {route.dst} via {route.via} on {route.alias}"
            yield Use(network, machine.name, route.alias, how, route.via)


def _of_linux(snapshot: Snapshot) -> Iterator[Use]:
    for machine in snapshot.inventory.machines.values():
        facts = snapshot.linux(machine.name)
        if facts is None or machine.kind is Kind.PEER:
            continue
        for address in facts.addresses or ():
            network = network_of(f"{address.address}/{address.prefix}")
            if network is not None:
                how = f"{address.address}/{address.prefix} on {address.link}"
                yield Use(network, machine.name, address.link, how)
        for route in facts.routes or ():
            network = network_of(route.dst)
            if network is not None:
                via = f" via {route.via}" if route.via else ""
                how = f"route to {route.dst}{via} on {route.dev or 'no link'}"
                yield Use(network, machine.name, route.dev or "", how, route.via)


def _of_routers(snapshot: Snapshot) -> Iterator[Use]:
    """What the inventory says lies behind a router, which need not tell it itself."""
    for machine in snapshot.inventory.machines.values():
        for text in machine.routes:
            yield Use(IPv4Network(text), machine.name, "", f"{text} lies behind it, by the inventory")


def network_of(dst: str) -> IPv4Network | None:
    """The prefix that `dst` names (`default`, an address or a prefix); None for IPv6 or nonsense."""
    try:
        return IPv4Network("0.0.0.0/0" if dst == "default" else dst, strict=False)
    except ValueError:
        return None
