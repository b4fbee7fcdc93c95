"""One mirrored card on the Windows half: its wire to the guest and the base chains at both, as nft text.

What the chains jump to is made once per boot of Windows (`windows_rules`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .guest.loopback import FAR_MAC
from .windows_rules import STEERING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .model import Nic

WIRE = "mirror"
# What the names of a card's chains begin with; the guest's name for it follows.
CHAINS = ("card_", "twin_", "own_back_", "own_")


def wire_of(device: str) -> str:
    """Name of the Windows end of the wire to the guest's card `device`."""
    return f"{WIRE}-{device}"


def chains_of(device: str) -> tuple[str, ...]:
    """Names of the chains of the guest's card `device`."""
    return tuple(f"{prefix}{device}" for prefix in CHAINS)


def steer(nic: Nic, device: str) -> str:
    """What joins the card `nic` of Windows to the guest's `device`; the wire is there already."""
    card, twin, own_back, own = chains_of(device)
    wire = wire_of(device)
    return f"""\
add chain {STEERING} {card} {{ type filter hook ingress device "{nic.device}" priority 0; }}
add rule {STEERING} {card} jump inbound
add rule {STEERING} {card} meta mark 1 meta mark set 0 fwd to "{wire}"
add rule {STEERING} {card} meta mark 2 meta mark set 0 dup to "{wire}"
add chain {STEERING} {own_back}
add rule {STEERING} {own_back} ether saddr set {FAR_MAC}
add rule {STEERING} {own_back} ether daddr set {nic.mac}
add rule {STEERING} {own_back} fwd to "{wire}"
add chain {STEERING} {own}
add rule {STEERING} {own} jump guests_port
add rule {STEERING} {own} meta mark 1 goto {own_back}
add rule {STEERING} {own} jump host_in
add rule {STEERING} {own} meta pkttype set host
add chain {STEERING} {twin} {{ type filter hook ingress device "{wire}" priority 0; }}
add rule {STEERING} {twin} ether daddr {FAR_MAC} goto {own}
add rule {STEERING} {twin} jump outbound
add rule {STEERING} {twin} fwd to "{nic.device}"
"""


def unsteer(chains: Iterable[str]) -> str:
    """Takes chains away. All empty before one goes: they jump to each other."""
    names = tuple(chains)
    return "".join(f"{verb} chain {STEERING} {name}\n" for verb in ("flush", "delete") for name in names)
