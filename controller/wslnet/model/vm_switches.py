"""Hyper-V's External switches, read off Windows' adapters: no Hyper-V module and no administrator is needed.

Windows' own adapter on such a switch is called `vEthernet (NAME)` and has the MAC address of the card behind
it. A switch that Windows itself has no adapter on is not seen so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wslnet.model.windows_facts import WindowsFacts

_PREFIX, _SUFFIX = "vethernet (", ")"


@dataclass(frozen=True, slots=True)
class ExternalSwitch:
    """A switch by its name, and the network card that it is bound to."""

    name: str
    card: str


def external_switches(windows: WindowsFacts) -> tuple[ExternalSwitch, ...]:
    """The External switches, in the order of Windows' adapters."""
    adapters = windows.adapters or ()
    cards = {one.mac: one.name for one in adapters if not one.virtual and one.mac is not None}
    return tuple(
        ExternalSwitch(one.name[len(_PREFIX) : -len(_SUFFIX)], cards[one.mac])
        for one in adapters
        if one.virtual and one.name.lower().startswith(_PREFIX) and one.name.endswith(_SUFFIX)
        if one.mac is not None and one.mac in cards
    )
