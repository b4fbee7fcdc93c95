"""WSL's mirrored mode on the Windows half: the flow steering between the host's cards and the guest's.

Each card of Windows has a wire to its twin in the guest, which has the same MAC and IP addresses. At the
card, frames for ports of WSL go on to the twin before Windows' own stack sees them; the twin's frames leave
by it. One more wire does the same for 127.0.0.1. Chains: `windows_rules`; choice of ports: `steering`.
"""

from __future__ import annotations

import ipaddress
import threading
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from . import card_steering, links, loopback_wire, steering, windows_nic
from .card_steering import wire_of
from .guest import mirrored as guest_half
from .guest.events import CardFilter
from .guest.loopback import NAME as LOOPBACK
from .guest.service import Guest
from .model import Nic
from .netns import FabricError, Namespace
from .windows_rules import STEERING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .model import MirroredHost

ADDRESS_SETS = ("host4", "host6")
SETS = (*ADDRESS_SETS, "tcp_ports", "udp_ports", "block", "flows4", "flows6")


@dataclass
class Mirroring:
    """A running mirrored guest.

    Attributes:
        windows: Name of the Windows namespace.
        guest: The guest half.
        wish: What the caller wants mirrored; its unconnected cards stay so.
        host: What is mirrored now.
        steered: The ports that were steered to WSL at the last `refresh`.
    """

    windows: str
    guest: Guest
    wish: MirroredHost
    host: MirroredHost
    steered: steering.Ports = field(default_factory=steering.Ports)
    _listening: tuple[steering.Ports, steering.Ports] | None = None
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def refresh(self) -> bool:
        """Look at both sides and follow what changed; True when something did. Call it twice a second.

        Newly bound ports are steered and released ones not any more; what Windows' cards have lost or got
        since (cable, address, route) is sent to the guest.

        Raises:
            FabricError: One of the namespaces is gone.
        """
        with self._lock, Namespace(self.windows) as windows, Namespace(self.guest.namespace) as wsl:
            ports = self._steer(windows, wsl)
            cards = self._follow(windows)
            if cards:
                self.settle()
        return ports or cards

    def resend(self, device: str) -> None:
        """Windows re-sends everything of a card, named by its Windows device (wsl-guest-facts 1.6).

        Raises:
            FabricError: No such card is mirrored.
        """
        with self._lock:
            nic, name = self._card(device)
            self.guest.apply(*guest_half.resend_card(nic, name, own=self.host.host_address_loopback))

    def add_card(self, nic: Nic, device: str) -> None:
        """A card appears on Windows and so in the guest, as `device`.

        Raises:
            FabricError: Either has one of that name mirrored already, or Windows has no such card.
        """
        with self._lock, Namespace(self.windows) as windows, Namespace(self.guest.namespace) as wsl:
            (found,) = windows_nic.read(windows, (nic,))
            _lay(windows, wsl, found, device)
            windows.nft(card_steering.steer(found, device))
            self._mirror(windows, (*self._cards(), (found, device)), (*self.wish.nics, nic))
            own = self.host.host_address_loopback
            self.guest.apply(*guest_half.add_card(found, device, self.host.block, own=own))
            self.settle()

    def remove_card(self, device: str) -> None:
        """A card of Windows, named by its Windows device, goes, and its mirror (mirrored-changes, step 17).

        Raises:
            FabricError: No such card is mirrored, or WSL's chains in the guest have lost it.
        """
        with self._lock, Namespace(self.windows) as windows:
            gone = self._card(device)
            self.guest.apply(CardFilter(gone[1], None))
            windows.nft(card_steering.unsteer(card_steering.chains_of(gone[1])))
            links.remove(windows, wire_of(gone[1]))
            kept = [card for card in self._cards() if card != gone]
            self._mirror(windows, kept, [nic for nic in self.wish.nics if nic.device != device])

    def _mirror(self, windows: Namespace, cards: Sequence[tuple[Nic, str]], wished: Sequence[Nic]) -> None:
        """Takes down which cards there are from now on."""
        devices = tuple(device for _, device in cards)
        self.host = replace(self.host, nics=tuple(nic for nic, _ in cards), guest_devices=devices)
        self.wish = replace(self.wish, nics=tuple(wished), guest_devices=devices)
        windows.nft("".join(_fill_addresses(self.host)))

    def _card(self, device: str) -> tuple[Nic, str]:
        for nic, name in self._cards():
            if nic.device == device:
                return nic, name
        raise FabricError(f"{self.windows} mirrors no card {device}")

    def settle(self) -> None:
        """Make all wires ready for the next packet, see `links.settle`."""
        with Namespace(self.windows) as windows, Namespace(self.guest.namespace) as wsl:
            links.settle(wsl, LOOPBACK, *self.host.guest_devices)
            links.settle(windows, loopback_wire.DEVICE, *map(wire_of, self.host.guest_devices))

    def stop(self) -> None:
        """Take the Windows half down. Harmless when the guest's namespace is already gone."""
        clear(self.windows)

    def _steer(self, windows: Namespace, wsl: Namespace) -> bool:
        listening = (steering.read_listeners(wsl), steering.read_listeners(windows))
        # A port without a listener is steered, and one of Windows' is not, only while a connection uses it:
        # that has to be looked at.
        lingering = self.steered.tcp ^ steering.choose(*listening, self.host.block).tcp
        if listening == self._listening and not lingering:
            return False
        taken = steering.read_ports(windows, alive=True)
        used = steering.read_ports(wsl)
        # Windows was asked for what was bound; a port that a client just got was never reserved.
        bound = steering.Ports(used.tcp & (listening[0].tcp | self.steered.tcp), used.udp)
        chosen = steering.choose(bound, taken, self.host.block)
        self._listening = listening
        if chosen == self.steered:
            return False
        windows.nft("".join(_fill_ports(chosen)))
        self.steered = chosen
        return True

    def _follow(self, windows: Namespace) -> bool:
        now = replace(self.host, nics=windows_nic.read(windows, self.wish.nics))
        if now == self.host:
            return False
        events = []
        for (before, name), after in zip(self._cards(), now.nics, strict=True):
            events += guest_half.changes(before, after, name, own=now.host_address_loopback)
        self.host = now
        windows.nft("".join(_fill_addresses(now)))
        self.guest.apply(*events)
        return True

    def _cards(self) -> Iterator[tuple[Nic, str]]:
        return zip(self.host.nics, self.host.guest_devices, strict=True)


def start(windows: str, wsl: str, wish: MirroredHost) -> Mirroring:
    """Lay the wires and set both halves; the cards are mirrored as they are now on Windows.

    Raises:
        FabricError: The guest has such cards already, a card is missing on Windows, or names do not match.
    """
    if len(wish.nics) != len(wish.guest_devices):
        raise FabricError(f"{len(wish.nics)} cards of Windows need as many names in the guest")
    clear(windows)
    guest = Guest(wsl)
    with Namespace(windows) as windows_ns, Namespace(wsl) as wsl_ns:
        host = replace(wish, nics=windows_nic.read(windows_ns, wish.nics))
        loopback_wire.lay(windows_ns, wsl_ns, host.loopback_mac)
        for nic, device in zip(host.nics, host.guest_devices, strict=True):
            _lay(windows_ns, wsl_ns, nic, device)
        windows_ns.nft(loopback_wire.rules(host.loopback_mac, host.block) + "".join(_steering(host)))
    events = guest_half.boot(host)
    for nic, device in zip(host.nics, host.guest_devices, strict=True):
        events += guest_half.add_card(nic, device, host.block, own=host.host_address_loopback)
    guest.apply(*events, *guest_half.finish(host))
    mirroring = Mirroring(windows, guest, wish, host)
    mirroring.settle()
    mirroring.refresh()
    return mirroring


def clear(windows: str) -> None:
    """Remove every trace of mirrored mode from Windows, whoever left it."""
    with Namespace(windows) as ns:
        loopback_wire.remove(ns)
        # Wires first: their base chains go with them, maybe right now with the guest's namespace.
        for message in ns.netlink("get_links"):
            name = message.get_attr("IFLA_IFNAME")
            if name.startswith(card_steering.WIRE):
                links.remove(ns, name)
        ns.nft("".join(_unsteer(ns)))


def _lay(windows: Namespace, wsl: Namespace, nic: Nic, device: str) -> None:
    wire = wire_of(device)
    links.lay_cable(windows, wire, wsl, Nic(device, nic.mac, mtu=nic.mtu))
    links.silence_ipv6(windows, wire)
    # With hostAddressLoopback the guest's frames to the common address end here, in Windows.
    conf = f"ipv4/conf/{wire}"
    windows.set_sysctls({f"{conf}/accept_local": 1, f"{conf}/rp_filter": 0})
    windows.netlink("link", "set", index=windows.require(wire), state="up")


def _steering(host: MirroredHost) -> Iterator[str]:
    """The base chains of each card and its wire, and what the sets hold from the start."""
    for nic, device in zip(host.nics, host.guest_devices, strict=True):
        yield card_steering.steer(nic, device)
    yield f"add element {STEERING} block {{ {host.block.first}-{host.block.last} }}\n"
    yield from _fill_addresses(host)


def _unsteer(ns: Namespace) -> Iterator[str]:
    """Delete the base chains by name and empty the sets; the Hyper-V firewall's chains stay as they are."""
    lines = ns.run(["nft", "list", "table", *STEERING.split()]).splitlines()
    words = [line.split() for line in lines]
    yield card_steering.unsteer(
        line[1] for line in words if line[:1] == ["chain"] and line[1].startswith(card_steering.CHAINS)
    )
    for name in SETS:
        yield f"flush set {STEERING} {name}\n"


def _fill_addresses(host: MirroredHost) -> Iterator[str]:
    found = [ipaddress.ip_interface(text).ip for nic in host.nics if nic.connected for text in nic.addresses]
    for name, version in zip(ADDRESS_SETS, (4, 6), strict=True):
        yield f"flush set {STEERING} {name}\n"
        chosen = ", ".join(str(address) for address in found if address.version == version)
        if chosen:
            yield f"add element {STEERING} {name} {{ {chosen} }}\n"
    if host.host_address_loopback:
        own = ", ".join(str(address) for address in found if address.version == 4)  # noqa: PLR2004 - IPv4
        yield f"add element {loopback_wire.TABLE} addresses {{ {own} }}\n"


def _fill_ports(ports: steering.Ports) -> Iterator[str]:
    for table in (STEERING, loopback_wire.TABLE):
        for name, numbers in (("tcp_ports", ports.tcp), ("udp_ports", ports.udp)):
            yield f"flush set {table} {name}\n"
            if numbers:
                yield f"add element {table} {name} {{ {', '.join(map(str, sorted(numbers)))} }}\n"
