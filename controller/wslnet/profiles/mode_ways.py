"""How a machine comes to another under each mode of WSL, as a table; where WSL is in between. Data only.

`wslnet.profiles.mode_choice` asks it. Sources: wsl-facts 2.2 (what the guest looks like), 5.9 (localhost of
Windows), 6 (rows 32 to 34); wsl-guest-facts 5 (what VMs inside WSL may do).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class Place(StrEnum):
    """Where a machine stands: a peer on a switch of Windows alone or on the LAN, others by their kind."""

    WINDOWS = "windows"
    WSL = "wsl"
    VM = "vm"
    SWITCH = "switch"
    LAN = "lan"


@dataclass(frozen=True, slots=True)
class Way:
    """Whether there is a way (None: the facts do not say), and which, or why there is none."""

    serves: bool | None
    how: str


PUBLISH = "wslnet forward add publishes it"
UNSEEN = Way(serves=None, how="how this mode does it is not known well enough")

_PORTS_ONLY = "only ports of Windows' own address reach WSL (microsoft/WSL#11150)"
_NO_ROUTE = "nobody outside WSL has a route to nets inside it"
_NO_SWITCH = "WSL has no card on that switch (microsoft/WSL#11494)"


def _yes(how: str) -> Way:
    return Way(serves=True, how=how)


def _no(how: str) -> Way:
    return Way(serves=False, how=how)


_MIRRORED = {
    (Place.WINDOWS, Place.WSL): _yes("by 127.0.0.1, what a program in WSL itself listens on"),
    (Place.WINDOWS, Place.VM): _no(f"{_PORTS_ONLY}: {PUBLISH}"),
    (Place.LAN, Place.WSL): _yes("at Windows' own address, for ports that are let in (setup --allow)"),
    (Place.LAN, Place.VM): _no(f"{_PORTS_ONLY}: {PUBLISH}"),
    (Place.SWITCH, Place.WSL): _no(_NO_SWITCH),
    (Place.SWITCH, Place.VM): _no(_NO_SWITCH),
    (Place.WSL, Place.WINDOWS): _yes("by 127.0.0.1"),
    (Place.VM, Place.WINDOWS): _yes("by Windows' address on the LAN"),
    (Place.WSL, Place.SWITCH): _no(_NO_SWITCH),
    (Place.VM, Place.SWITCH): _no(_NO_SWITCH),
    (Place.WSL, Place.LAN): _yes("as Windows itself, with its addresses"),
    (Place.VM, Place.LAN): _yes("with Windows' address, by ports of the block that WSL has reserved"),
}
_NAT = {
    (Place.WINDOWS, Place.WSL): _yes("by WSL's NAT address, which changes, or by localhost"),
    (Place.WINDOWS, Place.VM): _no(f"Windows has no route to it, and wslnet sets none: {PUBLISH}"),
    (Place.LAN, Place.WSL): _no(f"WSL's NAT address is known to Windows alone: {PUBLISH}"),
    (Place.LAN, Place.VM): _no(f"{_NO_ROUTE}: {PUBLISH}"),
    (Place.SWITCH, Place.WSL): _yes("Windows routes between its switches (forwarding)"),
    (Place.SWITCH, Place.VM): _no(_NO_ROUTE),
    (Place.WSL, Place.WINDOWS): _yes("by its gateway's address, if Windows' firewall lets it in"),
    (Place.VM, Place.WINDOWS): _yes("by WSL's gateway, if Windows' firewall lets it in"),
    (Place.WSL, Place.SWITCH): _yes("Windows routes between its switches (forwarding)"),
    (Place.VM, Place.SWITCH): _yes("behind WSL's address, by Windows' forwarding"),
    (Place.WSL, Place.LAN): _yes("behind Windows' address"),
    (Place.VM, Place.LAN): _yes("behind WSL's address, and that behind Windows'"),
}
_BRIDGED = {
    (Place.WINDOWS, Place.WSL): _yes("at WSL's own address on the LAN"),
    (Place.WINDOWS, Place.VM): _no(_NO_ROUTE),
    (Place.LAN, Place.WSL): _yes("at WSL's own address on the LAN"),
    (Place.LAN, Place.VM): _no(_NO_ROUTE),
    (Place.SWITCH, Place.WSL): _no(_NO_SWITCH),
    (Place.SWITCH, Place.VM): _no(_NO_SWITCH),
    (Place.WSL, Place.WINDOWS): _yes("by Windows' address on the LAN"),
    (Place.VM, Place.WINDOWS): _yes("by Windows' address on the LAN"),
    (Place.WSL, Place.SWITCH): _no(_NO_SWITCH),
    (Place.VM, Place.SWITCH): _no(_NO_SWITCH),
    (Place.WSL, Place.LAN): _yes("as a machine of the LAN"),
    (Place.VM, Place.LAN): _yes("behind WSL's own address on the LAN"),
}
_CONSOMME = {
    (Place.WINDOWS, Place.WSL): _yes("by localhost"),
    (Place.WSL, Place.WINDOWS): _yes("by 127.0.0.1"),
    (Place.WSL, Place.LAN): _yes("by connections that Windows makes for it"),
    (Place.VM, Place.LAN): _yes("by connections that Windows makes for WSL"),
}
_NONE = {(Place.VM, Place.LAN): _no("WSL has no network, so nothing in it has")}

WAYS: Mapping[str, Mapping[tuple[Place, Place], Way]] = {
    "mirrored": _MIRRORED,
    "nat": _NAT,
    "bridged": _BRIDGED,
    "consomme": _CONSOMME,
    "none": _NONE,
}
"""By mode, from and to."""
