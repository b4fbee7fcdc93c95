"""WSL's NAT mode on the Windows half: an internal switch, ICS address translation, the cable to the guest."""

from __future__ import annotations

from .guest.service import Guest
from .model import NatLink, Nic


def ensure_switch(windows: str, switch: Nic) -> None:
    """Make an internal Hyper-V switch with its ICS translation (WSL's own, or `Default Switch`); kept if there."""
    raise NotImplementedError


def plug(windows: str, switch: str, machine: str, nic: Nic, port: str) -> None:
    """Connect `nic` in `machine` to an internal switch through `port`."""
    raise NotImplementedError


def start(windows: str, wsl: str, link: NatLink) -> Guest:
    """Make WSL's switch if this boot has none, plug the guest in and set what WSL sets in it."""
    raise NotImplementedError


def stop(windows: str) -> None:
    """Take the guest's cable away; the switch and its adapter stay until Windows boots again (wsl-facts 4)."""
    raise NotImplementedError
