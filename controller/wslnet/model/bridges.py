"""The bridges of a machine with their ports, and whose they are: read from facts, for listings. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wslnet.model.guest_config import reach_in_words
from wslnet.model.virtual_net import declarations

if TYPE_CHECKING:
    from wslnet.model.linux_facts import LinuxFacts
    from wslnet.model.linux_network import ForwardingEntry, Link

_MAKERS = (
    ("virbr", "libvirt"),
    ("docker", "Docker"),
    ("br-", "Docker"),
    ("lxcbr", "LXC"),
    ("podman", "Podman"),
)


@dataclass(frozen=True, slots=True)
class Port:
    """A link that is plugged into a bridge; `owner` of a tap, `carrier`: somebody is on the other end."""

    name: str
    kind: str
    mac: str | None
    owner: str | None
    up: bool
    carrier: bool


@dataclass(frozen=True, slots=True)
class Bridge:
    """A bridge; `mode` and `reach` (in words) of wslnet's own, `stp` and `fdb` where they were read."""

    name: str
    maker: str
    mac: str | None
    addresses: tuple[str, ...]
    ports: tuple[Port, ...]
    mode: str | None = None
    reach: str | None = None
    fdb: tuple[ForwardingEntry, ...] | None = None
    stp: bool | None = None


def bridges_of(facts: LinuxFacts) -> tuple[Bridge, ...]:
    """All bridges of a machine.

    Raises:
        InputError: a declaration of a net cannot be read.
    """
    return tuple(_bridge(facts, link) for link in facts.links or () if link.kind == "bridge")


def lost_nets(facts: LinuxFacts) -> tuple[str, ...]:
    """Nets that are declared and whose bridge is not there."""
    there = {link.name for link in facts.links or ()}
    return tuple(sorted(declarations(facts).keys() - there))


def _bridge(facts: LinuxFacts, link: Link) -> Bridge:
    declared = declarations(facts).get(link.name)
    net = declared.net if declared is not None and facts.alias(link.name) == declared.net.alias else None
    maker = next((maker for prefix, maker in _MAKERS if link.name.startswith(prefix)), "others")
    entries = None if facts.fdb is None else tuple(one for one in facts.fdb if one.bridge == link.name)
    return Bridge(
        link.name,
        "wslnet" if net is not None else maker,
        link.mac,
        tuple(f"{one.address}/{one.prefix}" for one in facts.addresses_of(link.name)),
        tuple(_port(facts, one) for one in facts.links or () if one.master == link.name),
        None if net is None else str(net.mode),
        None if net is None else reach_in_words(net),
        entries,
        facts.device(link.name).stp,
    )


def _port(facts: LinuxFacts, link: Link) -> Port:
    device = facts.device(link.name)
    kind = "tap" if link.kind == "tun" else link.kind or "card"
    return Port(link.name, kind, link.mac, device.user or device.owner, link.up, link.carrier)
