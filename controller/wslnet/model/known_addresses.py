"""Addresses that WSL and VPN drivers put there themselves, and what they are (wsl-facts 2.2, seed 000)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wslnet.model.linux_facts import LinuxFacts

KNOWN: dict[str, str] = {
    "10.255.255.254": "on lo: WSL's own alias; the resolver asks Windows here (DNS tunnel)",
    "169.254.73.249": "next hop that does not exist: mirrored mode sends 127.0.0.1 to Windows through it",
    "169.254.73.250": "address of loopback0 in consomme mode",
    "169.254.1.1": "next hop of a VPN driver: a name for the tunnel's other end, nothing answers there",
}

NOPREFIXROUTE = (
    "noprefixroute: the kernel makes no route for the address, because Windows sends WSL its own routes"
)


def notes(facts: LinuxFacts) -> Iterator[str]:
    """One line for each such address that this machine has as an address, next hop or neighbour."""
    seen = {address.address for address in facts.addresses or ()}
    seen |= {route.via for route in facts.routes or () if route.via is not None}
    seen |= {route.dst.removesuffix("/32") for route in facts.routes or ()}
    seen |= {neighbour.address for neighbour in facts.neighbours or ()}
    for address, meaning in KNOWN.items():
        if address in seen:
            yield f"{address} {meaning}"
    if any("noprefixroute" in address.flags for address in facts.addresses or ()):
        yield NOPREFIXROUTE
