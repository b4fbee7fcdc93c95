"""WSL's consomme (virtioproxy) mode: the guest has Windows' address, and a process of Windows its packets.

Only what the guest looks like: what it sends goes nowhere, Windows' way in is `relay.wslrelay`.
"""

from __future__ import annotations

from dataclasses import replace

from . import links
from .guest import consomme as guest_half
from .guest import loopback
from .guest.service import Guest
from .model import Nic
from .netns import Namespace

PORTS = ("consomme0", "consomme1")
CARD_MAC, LOOPBACK_MAC = "00:00:00:00:01:00", "00:11:22:33:44:55"
_ARP_IGNORE_ALL = 8


def start(windows: str, wsl: str, uplink: Nic, dns: str) -> Guest:
    """Plug both cards of the guest in and set what WSL sets in it; `uplink` is Windows' card.

    Raises:
        FabricError: A name is taken.
    """
    card = replace(uplink, device="eth0", mac=CARD_MAC, routes=())
    with Namespace(windows) as ns, Namespace(wsl) as far:
        for port, nic in zip(PORTS, (card, Nic(loopback.NAME, LOOPBACK_MAC)), strict=True):
            links.lay_cable(ns, port, far, nic)
            links.silence_ipv6(ns, port)
            # The far end is a process: Windows' own stack must not answer for it.
            ns.set_sysctls({f"ipv4/conf/{port}/arp_ignore": _ARP_IGNORE_ALL})
            ns.netlink("link", "set", index=ns.require(port), state="up")
    guest = Guest(wsl)
    guest.apply(*guest_half.boot(card, dns))
    return guest


def stop(windows: str) -> None:
    """Take the guest's cables away; none there: nothing."""
    with Namespace(windows) as ns:
        for port in PORTS:
            links.remove(ns, port)
