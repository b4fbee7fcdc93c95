"""The switch of the local network: a bridge in the router's namespace that machines are plugged into."""

from __future__ import annotations

from .model import Nic


def build_switch(gw: str, switch: Nic) -> None:
    """Make the bridge `switch.device` in the router with the router's addresses on it, forwarding on."""
    raise NotImplementedError


def plug(gw: str, switch: str, machine: str, nic: Nic) -> None:
    """Lay a cable from the switch to `nic` in `machine` and give the card its addresses and default route."""
    raise NotImplementedError


def set_cable(gw: str, machine: str, device: str, *, connected: bool) -> None:
    """Pull or put back the cable of a card (its carrier goes), for a LAN that comes and goes."""
    raise NotImplementedError
