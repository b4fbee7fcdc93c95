"""WSL's NAT network as one start has it: Windows' end of it and the guest's card. Pure.

The network is made once per boot of Windows: what this boot has wins over what a start asks for, and that
over what the topology says (wsl-facts 2.4).
"""

from __future__ import annotations

import dataclasses
import ipaddress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wslnet_lab.fabric.model import Nic


def switch_of(usual: Nic, made: tuple[str, ...], settings: Mapping[str, Any]) -> Nic:
    """Windows' end.

    Args:
        usual: As the topology has it.
        made: Its addresses in this boot; none: it is not made yet.
        settings: Of the start: `nat_network`, `nat_gateway`.
    """
    network, gateway = settings.get("nat_network"), settings.get("nat_gateway")
    if made:
        return dataclasses.replace(usual, addresses=made)
    if network is None or gateway is None:
        return usual
    return dataclasses.replace(usual, addresses=(f"{gateway}/{ipaddress.IPv4Network(network).prefixlen}",))


def card_of(usual: Nic, switch: Nic, address: str | None, mtu: int) -> Nic:
    """The guest's card with `address`, or None: the place of its usual one in the switch's network."""
    own = ipaddress.IPv4Interface(switch.addresses[0])
    at = address or _place(ipaddress.IPv4Interface(usual.addresses[0]), own)
    addresses = (f"{at.partition('/')[0]}/{own.network.prefixlen}",)
    return dataclasses.replace(usual, addresses=addresses, gateway=str(own.ip), mtu=mtu)


def _place(usual: ipaddress.IPv4Interface, switch: ipaddress.IPv4Interface) -> str:
    network = switch.network
    place = network[int(usual.ip) & int(network.hostmask)]
    taken = {network.network_address, network.broadcast_address, switch.ip}
    return str(next(one for one in (place, *network.hosts()) if one not in taken))
