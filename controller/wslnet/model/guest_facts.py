"""Facts about the running VMs of a machine, told by its libvirt and the guests' agents. No judgement here."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class GuestNic:
    """A card of a domain; `tap` is its port on the host, `source` the network or bridge behind it."""

    mac: str
    tap: str | None = None
    kind: str = "network"
    source: str = ""


@dataclass(frozen=True, slots=True)
class GuestAddress:
    """An address of a domain, told by `source`: `lease` (libvirt's DHCP), `agent` (the guest), `arp`."""

    address: str
    family: int
    source: str
    mac: str = ""
    link: str = ""
    prefix: int = 0


@dataclass(frozen=True, slots=True)
class Guest:
    """A running domain: its cards and addresses, and whether its guest agent answers."""

    domain: str
    nics: tuple[GuestNic, ...] = ()
    addresses: tuple[GuestAddress, ...] = ()
    agent: bool = False


@dataclass(frozen=True, slots=True)
class GuestAccount:
    """An account in a guest; `folder` is its `.ssh`, `content` authorized_keys in base64 or None."""

    user: str
    uid: int
    gid: int
    folder: str
    folder_exists: bool = True
    content: str | None = None


@dataclass(frozen=True, slots=True)
class GuestKeys:
    """Keys in a guest, as its agent reads them; `problem` says why it could not."""

    domain: str
    problem: str | None = None
    host_keys: tuple[str, ...] = ()
    accounts: tuple[GuestAccount, ...] = ()


@dataclass(frozen=True, slots=True)
class PinnedLease:
    """An address that a network's DHCP keeps for a MAC."""

    mac: str
    address: str


@dataclass(frozen=True, slots=True)
class LibvirtNetwork:
    """A network of libvirt; `hosts` in its definition, `live_hosts` in what runs."""

    name: str
    active: bool = False
    bridge: str | None = None
    address: str | None = None
    hosts: tuple[PinnedLease, ...] = ()
    live_hosts: tuple[PinnedLease, ...] = ()


@dataclass(frozen=True, slots=True)
class AddressRange:
    """Addresses that a DHCP server gives away."""

    first: str
    last: str


@dataclass(frozen=True, slots=True)
class GivenLease:
    """An address that a network's DHCP has given; `until` in the machine's own time."""

    mac: str
    address: str
    host: str | None = None
    until: str | None = None


@dataclass(frozen=True, slots=True)
class VirtualRouter:
    """A network of libvirt as the router that it is for its guests.

    `forward` is its way out (`nat`, `route`, `open` …), None without one; `leases` None: not told.
    `lease_file`: why the file with them cannot be read. `server`: the process that libvirt started for it.
    `dhcp` and `dns` are how a question to that server ended: `ok`, `timeout`, `refused`; None: it has none.
    """

    network: str
    active: bool = False
    bridge: str | None = None
    forward: str | None = None
    gateway: str | None = None
    prefix: int | None = None
    ranges: tuple[AddressRange, ...] = ()
    leases: tuple[GivenLease, ...] | None = None
    lease_file: str | None = None
    server: str | None = None
    dhcp: str | None = None
    dns: str | None = None
