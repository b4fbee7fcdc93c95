"""Which pairs a run or a matrix probes, and what is expected of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet.model.machine import Kind
from wslnet.model.probe import Probe
from wslnet.model.topology import address_of, behind_switch, lan_address

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wslnet.model.allow import Allow
    from wslnet.model.machine import Machine
    from wslnet.model.snapshot import Snapshot

SSH_PORT = 22


def wished_probes(snapshot: Snapshot) -> tuple[Probe, ...]:
    """ICMP and SSH for each wished pair, and each VM's way out."""
    inventory = snapshot.inventory
    probes: list[Probe] = []
    for source, target in inventory.wish.reach:
        probes += _pair(snapshot, source, target, expected=True)
    for machine in inventory.of_kind(Kind.VM):
        probes += _outwards(snapshot, machine.name)
    return tuple(dict.fromkeys(probes))


def allow_probes(snapshot: Snapshot, allows: tuple[Allow, ...], peer: str | None = None) -> tuple[Probe, ...]:
    """Each allowed port as a LAN peer sees it; `peer` names the observer, else the first of the inventory."""
    inventory = snapshot.inventory
    observer = peer or next((machine.name for machine in _lan_peers(snapshot)), "lan")
    address = lan_address(snapshot)
    if inventory.wsl is None or address is None:
        return ()
    return tuple(
        Probe(observer, inventory.wsl.name, allow.proto, address, allow.port, expected=True, listen=True)
        for allow in allows
    )


def all_probes(snapshot: Snapshot) -> tuple[Probe, ...]:
    """Every directed pair of machines by ICMP and SSH, with the wish as expectation."""
    inventory = snapshot.inventory
    wished = set(inventory.wish.reach)
    probes: list[Probe] = []
    for source in inventory.machines:
        for target in inventory.machines:
            if source != target:
                expected = True if (source, target) in wished else None
                probes += _pair(snapshot, source, target, expected=expected)
    return tuple(probes)


def _pair(snapshot: Snapshot, source: str, target: str, *, expected: bool | None) -> Iterator[Probe]:
    address = address_of(snapshot, target, source)
    if address is None:
        return
    yield Probe(source, target, "icmp", address, expected=expected)
    if snapshot.inventory[target].kind is not Kind.WINDOWS:
        port = snapshot.inventory[target].port or SSH_PORT
        yield Probe(source, target, "ssh", address, port, expected=expected)


def _outwards(snapshot: Snapshot, name: str) -> Iterator[Probe]:
    for peer in _lan_peers(snapshot):
        if peer.address is not None:
            yield Probe(name, peer.name, "icmp", peer.address, expected=True)
            yield Probe(name, peer.name, "ssh", peer.address, peer.port or SSH_PORT, expected=True)


def _lan_peers(snapshot: Snapshot) -> tuple[Machine, ...]:
    """The peers that stand outside of Windows; one on a virtual switch of Windows is no way out."""
    return tuple(
        peer
        for peer in snapshot.inventory.of_kind(Kind.PEER)
        if peer.address is None or not behind_switch(snapshot, peer.address)
    )
