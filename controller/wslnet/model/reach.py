"""Which pairs a run or a matrix probes, and what is expected of each."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING

from wslnet.model.forward import HOST
from wslnet.model.machine import Kind
from wslnet.model.probe import Probe
from wslnet.model.topology import address_of, behind_switch, lan_address, lan_prefixes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wslnet.model.allow import Allow
    from wslnet.model.forward import Forward
    from wslnet.model.machine import Machine
    from wslnet.model.snapshot import Snapshot

SSH_PORT = 22
_LOCALHOST = "127.0.0.1"
_FREE_PORT = 54321
"""Of note 003's own test: nobody is known to use it."""


def wished_probes(snapshot: Snapshot) -> tuple[Probe, ...]:
    """ICMP and SSH for each wished pair, and with any pair each VM's way out."""
    inventory = snapshot.inventory
    probes: list[Probe] = []
    for source, target in inventory.wish.reach:
        probes += _pair(snapshot, source, target, expected=True)
    for machine in inventory.of_kind(Kind.VM) if inventory.wish.reach else ():
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


def localhost_probes(snapshot: Snapshot) -> tuple[Probe, ...]:
    """WSL as Windows reaches it in mirrored mode, by 127.0.0.1 and a listener of ours for that moment.

    None through the constrained endpoint, which offers nothing to ask from Windows with.
    """
    windows, wsl = snapshot.inventory.windows, snapshot.inventory.wsl
    if windows is None or wsl is None or snapshot.mode != "mirrored" or windows.configuration is not None:
        return ()
    return (
        Probe(windows.name, wsl.name, "tcp", _LOCALHOST, _FREE_PORT, expected=True, listen=True, own=True),
    )


def forward_probes(snapshot: Snapshot, peer: str | None = None) -> tuple[Probe, ...]:
    """Each published port as it is seen by those who may: a LAN peer, and Windows itself by TCP.

    Windows cannot be asked to send UDP (docs/protocols.md 2).
    """
    inventory = snapshot.inventory
    observer = peer or next((machine.name for machine in _lan_peers(snapshot)), "lan")
    address, windows = lan_address(snapshot), inventory.windows
    probes: list[Probe] = []
    for one in inventory.wish.forward:
        if one.scope != HOST and address is not None:
            probes.append(_published(observer, address, one))
        if one.proto == "tcp" and windows is not None:
            probes.append(_published(windows.name, _LOCALHOST, one))
    return tuple(probes)


def _published(source: str, address: str, one: Forward) -> Probe:
    return Probe(
        source, one.target, one.proto, address, one.port, expected=True, listen=True, serve=one.target_port
    )


def all_probes(snapshot: Snapshot) -> tuple[Probe, ...]:
    """Every directed pair of machines by ICMP and SSH, with the wish as expectation.

    Nobody outside of Windows is to reach a nested VM by its own address, unless that is wished.
    """
    inventory = snapshot.inventory
    wished = set(inventory.wish.reach)
    probes: list[Probe] = []
    for source in inventory.machines:
        for target in inventory.machines:
            if source != target:
                expected = True if (source, target) in wished else _hidden(snapshot, source, target)
                probes += _pair(snapshot, source, target, expected=expected)
    return tuple(probes)


def _hidden(snapshot: Snapshot, source: str, target: str) -> bool | None:
    """False where a VM behind NAT must not be seen from, None where nothing is said about it."""
    peers = {peer.name for peer in _lan_peers(snapshot)}
    machine = snapshot.inventory[target]
    if source not in peers or machine.kind is not Kind.VM or machine.address is None:
        return None
    # A guest of an l2 net is on the LAN, and means to be.
    is_on_lan = any(ip_address(machine.address) in ip_network(one) for one in lan_prefixes(snapshot))
    return None if is_on_lan else False


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
