"""Internal Hyper-V switches with ICS translation, and WSL's NAT mode that rides on one.

The switch is a bridge in the Windows namespace whose own address is the adapter's; a machine hangs on it by a
veth. It outlives the guest and ends with the boot of Windows, as the real one does (wsl-facts 4).
"""

from __future__ import annotations

import ipaddress
import socket
from typing import TYPE_CHECKING

from . import lan, links
from .guest import nat as guest_nat
from .guest.service import Guest
from .netns import FabricError, Namespace
from .windows_rules import WINDOWS

if TYPE_CHECKING:
    from .model import NatLink, Nic

PORT = "wslnat-port"


def ensure_switch(windows: str, switch: Nic, *, guest_firewall: bool = False) -> None:
    """Make an internal switch (WSL's own, or `Default Switch`), unless this boot has it already.

    `guest_firewall` puts the Hyper-V firewall for WSL on what goes in and out of it.

    Raises:
        FabricError: The switch exists with another address: Windows makes it anew only at boot.
    """
    with Namespace(windows) as ns:
        if ns.index(switch.device) is not None:
            _refuse_other_address(ns, switch)
            return
        links.make_bridge(ns, switch.device, switch.mac, index=switch.index)
        links.configure(ns, switch)
        ns.set_sysctls(lan.unfiltered_bridges(ns))
        subnets = [str(ipaddress.ip_interface(text).network) for text in switch.addresses]
        private = ", ".join(text for text in subnets if ":" not in text)
        script = f'add element {WINDOWS} internal {{ "{switch.device}" }}\n'
        script += f"add element {WINDOWS} private {{ {private} }}\n"
        if guest_firewall:
            script += f'add element {WINDOWS} guests {{ "{switch.device}" }}\n'
        ns.nft(script)


def plug(windows: str, switch: str, machine: str, nic: Nic, port: str) -> None:
    """Connect `nic` in `machine` to an internal switch through `port`; the card is up, without addresses.

    Raises:
        FabricError: No such switch, or a name is taken.
    """
    with Namespace(windows) as ns, Namespace(machine) as far:
        if ns.index(switch) is None:
            raise FabricError(f"{windows} has no switch {switch}")
        links.lay_cable(ns, port, far, nic)
        links.silence_ipv6(ns, port)
        links.join(ns, port, switch)
        far.netlink("link", "set", index=far.require(nic.device), state="up")
        links.settle(far, nic.device)
        links.settle(ns, port, switch)


def start(windows: str, wsl: str, link: NatLink) -> Guest:
    """Make WSL's switch if this boot has none, plug the guest in and set what WSL sets in it.

    Raises:
        FabricError: The guest is plugged in already, or a name is taken.
    """
    ensure_switch(windows, link.switch, guest_firewall=True)
    plug(windows, link.switch.device, wsl, link.guest, PORT)
    guest = Guest(wsl)
    guest.apply(*guest_nat.boot(link))
    return guest


def stop(windows: str) -> None:
    """Take the guest's cable away; switch and adapter stay until Windows boots again (wsl-facts 4)."""
    with Namespace(windows) as ns:
        links.remove(ns, PORT)


def made_with(windows: str, device: str) -> tuple[str, ...]:
    """The IPv4 addresses with prefix of the switch that this boot of Windows has; none: it has none yet."""
    with Namespace(windows) as ns:
        return () if ns.index(device) is None else _addresses(ns, device, socket.AF_INET)


def _refuse_other_address(ns: Namespace, switch: Nic) -> None:
    missing = set(switch.addresses) - set(_addresses(ns, switch.device, socket.AF_UNSPEC))
    if missing:
        raise FabricError(f"the switch {switch.device} of this boot has not the address {', '.join(missing)}")


def _addresses(ns: Namespace, device: str, family: int) -> tuple[str, ...]:
    messages = ns.netlink("get_addr", index=ns.require(device), family=family)
    return tuple(f"{message.get_attr('IFA_ADDRESS')}/{message['prefixlen']}" for message in messages)
