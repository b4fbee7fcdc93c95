"""A net of wslnet's own on a Linux machine: a bridge, its taps, and what the guests behind them get.

Data and the pure rules for it: names, MAC and guest addresses that are the same on every computer. What it
looks like on the machine is written to its declaration, a file there that also lets it be taken down again.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from ipaddress import IPv4Interface, IPv4Network
from typing import TYPE_CHECKING

from wslnet.errors import InputError

if TYPE_CHECKING:
    from wslnet.model.linux_facts import LinuxFacts

LONGEST_NAME = 15
"""The kernel's IFNAMSIZ is 16 and a NUL ends the name."""

FOLDER = "/etc/wslnet"
"""Where declarations lie: one file `net-NAME.json` a net."""

TAG = "wslnet:"
"""How the alias of a link and the comment of a rule of ours begin."""

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*")
_FIRST_GUEST = 10
_MOST_TAPS = 64


class NetMode(StrEnum):
    """Who reaches whom: note 004's four."""

    PRIVATE = "private"
    ROUTED = "routed"
    NAT = "nat"
    L2 = "l2"


@dataclass(frozen=True, slots=True)
class TapPort:
    """One tap and the guest behind it; `guest_address` with its prefix, None where the LAN gives it."""

    name: str
    mac: str
    guest_mac: str
    guest_address: str | None = None


@dataclass(frozen=True, slots=True)
class VirtualNet:
    """One net.

    Attributes:
        name: Of its bridge, too.
        mac: The bridge's.
        subnet: The guests' prefix; of an l2 net that of the LAN, None if its uplink had no address.
        address: The machine's own in it (with prefix), where the bridge has one of its own.
        owner: The user who may open the taps; None: root.
        uplink: The card of an l2 net, or the only way out of a nat net; None: by whichever way is right.
        client: The DHCP client to start on an l2 bridge; None: what was there is kept.
        persist: Whether it comes back after a reboot.
    """

    name: str
    mode: NetMode
    mac: str
    subnet: str | None = None
    address: str | None = None
    taps: tuple[TapPort, ...] = ()
    owner: str | None = None
    uplink: str | None = None
    client: str | None = None
    persist: bool = True

    @property
    def alias(self) -> str:
        """The ownership mark of its links."""
        return f"{TAG}{self.name}"

    @property
    def comment(self) -> str:
        """How the comments of its rules begin."""
        return f"{TAG}net:{self.name}"

    @property
    def path(self) -> str:
        """The file of its declaration."""
        return f"{FOLDER}/net-{self.name}.json"

    @property
    def gateway(self) -> str | None:
        """What guests send to that is for others: only a nat net has a way out through this machine."""
        if self.mode is not NetMode.NAT or self.address is None:
            return None
        return str(IPv4Interface(self.address).ip)


@dataclass(frozen=True, slots=True)
class Kept:
    """What was there before the net: switches by key, to be put back when it goes."""

    sysctls: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Declaration:
    """What a machine's file says: the net, what was before, and the ops that make it again after a reboot.

    `run` is the run that wrote it, empty before.
    """

    net: VirtualNet
    kept: Kept = field(default_factory=Kept)
    ops: tuple[dict[str, object], ...] = ()
    run: str = ""

    def body(self) -> str:
        """The text behind the gate of the file."""
        content = {key: value for key, value in asdict(self).items() if key != "run"}
        words = json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False)
        return f"{words.lstrip('{').lstrip()}\n"


def declarations(facts: LinuxFacts) -> dict[str, Declaration]:
    """The nets that a machine's files declare, by name.

    Raises:
        InputError: a file is none that wslnet wrote; says which.
    """
    files = facts.files.found if facts.files is not None else ()
    mine = (one for one in files if one.path.startswith(f"{FOLDER}/net-") and one.content is not None)
    found = (_declaration_in(one.path, one.content or "") for one in mine)
    return {one.net.name: one for one in found}


def _declaration_in(path: str, content: str) -> Declaration:
    import msgspec  # noqa: PLC0415 - only where there is a net

    from wslnet.model.typed import typed_json  # noqa: PLC0415 - as above

    try:
        return typed_json(base64.b64decode(content), Declaration)
    except (msgspec.DecodeError, ValueError) as error:
        raise InputError(f"{path} is no declaration of a net: {error}") from error


def sound_name(text: str, what: str = "net") -> str:
    """The name itself.

    Raises:
        InputError: it is no name for a network interface.
    """
    if len(text) > LONGEST_NAME:
        raise InputError(f"{what} {text!r} has {len(text)} characters; Linux takes {LONGEST_NAME}")
    if not _NAME.fullmatch(text):
        raise InputError(f"{what} {text!r}: letters, digits, - _ . and a letter first")
    return text


def tap_names(net: str, count: int, named: tuple[str, ...]) -> tuple[str, ...]:
    """The names of the taps: those that were named, else `NET-t0` and on.

    Raises:
        InputError: two are the same, one is no name, or there are too many.
    """
    if named and count not in {0, len(named)}:
        raise InputError(f"--taps {count} and {len(named)} names of taps")
    if count > _MOST_TAPS:
        raise InputError(f"--taps {count}: at most {_MOST_TAPS}")
    names = named or tuple(f"{net}-t{number}" for number in range(count))
    for name in names:
        sound_name(name, "tap")
        if name == net or names.count(name) > 1:
            raise InputError(f"tap {name!r} twice: every tap has a name of its own, and not its bridge's")
    return names


def mac_of(kind: str, *names: str) -> str:
    """A MAC address made from names, always the same: `52:54:00:…`, of a tap `fe:54:00:…`.

    The first byte of a tap's is the highest there is, so that a bridge never takes it over (libvirt's habit).
    """
    first = "fe" if kind == "tap" else "52"
    digest = hashlib.sha256("\0".join(("guest" if kind == "tap" else kind, *names)).encode()).hexdigest()
    return f"{first}:54:00:{digest[:2]}:{digest[2:4]}:{digest[4:6]}"


def taps_of(
    machine: str, net: str, names: tuple[str, ...], subnet: IPv4Network | None
) -> tuple[TapPort, ...]:
    """The taps with their addresses.

    Raises:
        InputError: the subnet has no room for so many guests, or two MAC addresses fell together.
    """
    ports = tuple(
        TapPort(
            name,
            mac_of("tap", machine, net, name),
            mac_of("guest", machine, net, name),
            None if subnet is None else _guest_address(subnet, number),
        )
        for number, name in enumerate(names)
    )
    if len({port.guest_mac for port in ports}) < len(ports):
        raise InputError(f"net {net}: two taps would get one MAC address: name one of them otherwise")
    return ports


def _guest_address(subnet: IPv4Network, number: int) -> str:
    hosts = subnet.num_addresses - 2
    first = _FIRST_GUEST if hosts > _FIRST_GUEST * 2 else 2
    if first + number > hosts:
        raise InputError(f"{subnet} has no room for {number + 1} guests beside this machine")
    return f"{subnet.network_address + first + number}/{subnet.prefixlen}"


def host_address(subnet: IPv4Network) -> str:
    """The machine's own address in a subnet, the first one, with its prefix."""
    return f"{subnet.network_address + 1}/{subnet.prefixlen}"


def address_within(net: VirtualNet, text: str) -> str:
    """An address for a guest, with the net's prefix.

    Raises:
        InputError: it is no address, not of the subnet, or taken.
    """
    if net.subnet is None:
        raise InputError(f"net {net.name} has no subnet that is known: its guests ask the LAN")
    subnet = IPv4Network(net.subnet)
    try:
        given = IPv4Interface(text)
    except ValueError:
        raise InputError(f"{text!r} is no IPv4 address") from None
    if given.ip not in subnet or given.ip in {subnet.network_address, subnet.broadcast_address}:
        raise InputError(f"{given.ip} is no guest's address in {net.subnet}, the subnet of net {net.name}")
    if net.address is not None and given.ip == IPv4Interface(net.address).ip:
        raise InputError(f"{given.ip} is this machine's own address in net {net.name}")
    return f"{given.ip}/{subnet.prefixlen}"
