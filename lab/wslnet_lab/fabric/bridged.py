"""WSL's bridged mode: a card of the guest on an External switch, which is the local network's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .guest import events
from .guest.service import Guest
from .netns import Namespace

if TYPE_CHECKING:
    from .model import Nic


def start(wsl: str, card: Nic, *, ipv6: bool) -> Guest:
    """Set what WSL sets in a guest whose card is plugged in, with the lease it got.

    Without `ipv6` (wsl2.ipv6) the guest has none (wsl-facts 5, 34).

    Raises:
        FabricError: The card is not there.
    """
    guest = Guest(wsl)
    servers = (card.gateway,) if card.gateway is not None else ()
    guest.apply(events.Boot(tunnel=None), events.Dns(servers=servers))
    if not ipv6:
        with Namespace(wsl) as ns:
            ns.set_sysctls({f"ipv6/conf/{device}/disable_ipv6": 1 for device in ("all", "default")})
    return guest
