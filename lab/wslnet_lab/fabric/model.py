"""The data that describes wires, cards and networks of a lab. Pure data: nothing here touches a namespace."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Route:
    """A route of a card: `via` None means on-link; metric as Windows counts it (interface + route)."""

    dst: str
    via: str | None
    metric: int


@dataclass(frozen=True)
class Nic:
    """A card with what it carries.

    Attributes:
        device: Name of the interface in its namespace.
        mac: Its hardware address, lower case with colons.
        addresses: Interface addresses with prefix, "172.24.21.109/24".
        gateway: IPv4 default gateway, or None.
        metric: Interface metric.
        mtu: In bytes.
        connected: False for a card without a cable: present, down, without addresses.
        routes: Further routes of the card beside prefix and default ones.
        index: Interface index of a switch that is made anew; 0: the next free one.
    """

    device: str
    mac: str
    addresses: tuple[str, ...] = ()
    gateway: str | None = None
    metric: int = 0
    mtu: int = 1500
    connected: bool = True
    routes: tuple[Route, ...] = ()
    index: int = 0


@dataclass(frozen=True)
class PortBlock:
    """The ports that Windows reserves for WSL in mirrored mode, both ends included (wsl-facts 2.2)."""

    first: int = 44620
    last: int = 48715


@dataclass(frozen=True)
class NatLink:
    """WSL's NAT network: the switch on Windows and the one card of the guest.

    Attributes:
        switch: The adapter of Windows (`vEthernet (WSL (Hyper-V firewall))`) with its address and prefix.
        guest: The guest's eth0; its gateway is the switch's address.
        dns: Server in resolv.conf; 10.255.255.254 stands for DNS tunneling and is put on `lo`.
        search: Search suffixes of resolv.conf.
    """

    switch: Nic
    guest: Nic
    dns: str = "10.255.255.254"
    search: tuple[str, ...] = ()


@dataclass(frozen=True)
class MirroredHost:
    """What Windows mirrors into WSL.

    Attributes:
        nics: The cards of Windows in the order in which the guest gets them, named by their Windows device.
        guest_devices: Names in the guest, one per card (eth0, eth1, … unless the topology says otherwise).
        loopback_mac: Hardware address of loopback0.
        block: The reserved ports.
        dns: Server in resolv.conf.
        search: Search suffixes of resolv.conf.
        host_address_loopback: experimental.hostAddressLoopback.
    """

    nics: tuple[Nic, ...]
    guest_devices: tuple[str, ...]
    loopback_mac: str = "00:15:5d:12:34:56"
    block: PortBlock = PortBlock()
    dns: str = "10.255.255.254"
    search: tuple[str, ...] = ()
    host_address_loopback: bool = False


@dataclass(frozen=True)
class BridgeNetwork:
    """A libvirt network on a machine: its bridge and the subnet behind it.

    Attributes:
        bridge: Name of the bridge, virbr0.
        mac: Hardware address of the bridge.
        address: The bridge's address with prefix, "192.168.122.1/24".
        placeholder: Name of the port that an old libvirt keeps on it (`virbr0-nic`), or None.
    """

    bridge: str
    mac: str
    address: str
    placeholder: str | None = None


@dataclass(frozen=True)
class TapWire:
    """A VM's cable: port `tap` (fe:54…) on the host's bridge, card `nic` (52:54…) in the VM."""

    bridge: str
    tap: str
    nic: Nic
