"""A VM behind a libvirt bridge: the bridge, the tap-like cable, and libvirt's rules of three generations."""

from __future__ import annotations

from typing import Literal

from .model import BridgeNetwork, TapWire

Generation = Literal["reject-in-forward", "libvirt-chains", "libvirt-nft"]


def start_network(host: str, network: BridgeNetwork) -> None:
    """Make the bridge with its address and switch ip_forward on, as libvirt's net-start does."""
    raise NotImplementedError


def load_rules(host: str, network: BridgeNetwork, generation: Generation) -> None:
    """Load the rules that libvirt of that generation sets for a NAT network."""
    raise NotImplementedError


def plug(host: str, guest: str, wire: TapWire) -> None:
    """Connect the VM's card to the bridge and give it its address and default route (as its DHCP would)."""
    raise NotImplementedError


def unplug(host: str, tap: str) -> None:
    """Remove the cable; a missing one is fine."""
    raise NotImplementedError
