"""Which Windows interfaces shall forward: the switches of WSL and Hyper-V, never the way to the office.

Windows routes between two interfaces only where both forward, so every interface with the flag is a door into
all others. Chosen by pattern, then barred by what the facts show; the way out is opened only when asked for.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wslnet.errors import InputError
from wslnet.model.families import IPV4
from wslnet.resources.interface_forwarding import InterfaceForwarding

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wslnet.model.snapshot import Snapshot
    from wslnet.model.windows_facts import Interface, WindowsFacts

NEEDS = frozenset({"adapters", "interfaces", "addresses", "routes"})
"""Facts of Windows that the choice rests on."""

NOTE_PATTERN = r"^vEthernet\s.*(Default Switch|WSL|WSLCore|LAN).*$"
"""The pattern of note 003; PowerShell's -match, which it was written for, ignores case."""


_DEFAULTS = frozenset({"0.0.0.0/0", "::/0", "0.0.0.0/1", "128.0.0.0/1"})
_SWITCH = "vethernet ("
_FSE = "vethernet (fse hostvnic)"
_WSL = "vethernet (wsl"
# Names of the Default Switch as seen in the field: wsl-facts 9 (Chinese), crc-org/crc#579 (German),
# docker/machine#4429 (Polish, Hungarian).
_DEFAULT_SWITCH = ("默认开关", "Standardswitch", "Przełącznik domyślny", "Alapértelmezett kapcsoló")
# WLAN and VLAN10 contain the pattern's LAN by accident and lead to the office (wsl-facts 9).
_LONGER_WORD = re.compile(r"\w+LAN|LAN\w+", re.IGNORECASE)
_OTHER_WORD = re.compile(r"Default Switch|WSL", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Choice:
    """One interface and what was decided about it; `reason` says why it is left out, None: it is chosen.

    `external`: it leads out of this PC, so only an explicit wish opens it.
    """

    interface: Interface
    external: bool = False
    reason: str | None = None

    @property
    def chosen(self) -> bool:
        """Whether forwarding is to be switched on it."""
        return self.reason is None


def compile_match(text: str | None) -> re.Pattern[str]:
    """The user's pattern, or the note's with the Default Switch's names in other languages.

    Raises:
        InputError: it is no regular expression.
    """
    names = "|".join(re.escape(name) for name in _DEFAULT_SWITCH)
    try:
        return re.compile(text or rf"{NOTE_PATTERN}|^vEthernet\s.*({names}).*$", re.IGNORECASE)
    except re.error as error:
        raise InputError(f"--match {text!r} is no regular expression: {error}") from error


def choose(
    windows: WindowsFacts,
    *,
    match: str | None = None,
    include_external: bool = False,
    families: Iterable[int] = (IPV4,),
) -> tuple[Choice, ...]:
    """Every virtual switch's interface, and every other one that `match` names, with the decision.

    Raises:
        InputError: `match` is no regular expression.
    """
    pattern, wanted = compile_match(match), frozenset(families)
    choices: list[Choice] = []
    for one in windows.interfaces or ():
        named = pattern.search(one.alias) is not None
        if one.family in wanted and (named or one.alias.lower().startswith(_SWITCH)):
            choice = _decide(windows, one, named=named, by_user=match is not None)
            opened = include_external and choice.external
            choices.append(Choice(one, external=True) if opened else choice)
    return tuple(choices)


def _decide(windows: WindowsFacts, one: Interface, *, named: bool, by_user: bool) -> Choice:
    if one.alias.lower() == _FSE:
        return Choice(one, reason="it carries mirrored mode and takes no IP settings")
    if not named:
        return Choice(one, reason="its name does not match")
    why = _external(windows, one)
    if why is None and not by_user and _LONGER_WORD.search(one.alias) and not _OTHER_WORD.search(one.alias):
        why = "its name speaks of a WLAN or VLAN"
    if why is not None:
        return Choice(one, external=True, reason=f"{why}: only with --include-external")
    return Choice(one)


def _external(windows: WindowsFacts, one: Interface) -> str | None:
    """Why the interface leads out of this PC, None if it does not.

    The host's adapter of an External switch takes over the MAC address of the card behind it.
    """
    if one.index in with_default_route(windows):
        return "it has a default gateway"
    adapters = windows.adapters or ()
    own = next((adapter for adapter in adapters if adapter.index == one.index), None)
    if own is not None and not own.virtual and not one.alias.lower().startswith(_SWITCH):
        return "it is a card of this PC"
    cards = {adapter.mac: adapter.name for adapter in adapters if not adapter.virtual and adapter.mac}
    behind = cards.get(own.mac) if own is not None and own.mac is not None and own.virtual else None
    return f"it is the External switch on {behind}" if behind is not None else None


def with_default_route(windows: WindowsFacts) -> frozenset[int]:
    """Indices of the interfaces that packets to anywhere leave by, by IPv4 or IPv6, tunnels' halves too."""
    return frozenset(route.index for route in windows.routes or () if route.dst in _DEFAULTS)


def is_wsl(one: Interface) -> bool:
    """Whether it is Windows' end of WSL's own network."""
    return one.alias.lower().startswith(_WSL)


def switch_resources(snapshot: Snapshot, *, beside_wsl: bool) -> tuple[InterfaceForwarding, ...]:
    """Forwarding on the chosen IPv4 switches that are there; `beside_wsl` leaves WSL's own out."""
    windows, machine = snapshot.windows, snapshot.inventory.windows
    if windows is None or machine is None:
        return ()
    return tuple(
        resource_of(machine.name, choice.interface)
        for choice in choose(windows, match=snapshot.inventory.forwarding_match)
        if choice.chosen and choice.interface.connected and not (beside_wsl and is_wsl(choice.interface))
    )


def resource_of(machine: str, one: Interface, *, enabled: bool = True) -> InterfaceForwarding:
    """The declaration of the flag on an interface that is there."""
    way = f"{one.alias} and other Hyper-V switches"
    why = f"so that Windows routes between {way}" if enabled else f"no more routing between {way}"
    return InterfaceForwarding(machine, one.index, one.alias, why, one.family, enabled)
