"""The models of Windows' own commands that the lab knows; `register_commands` enters them all."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wslnet_lab.host.enforcement import FirewallEnforcement
    from wslnet_lab.host.engine import Registry
    from wslnet_lab.host.hardware import Hardware
    from wslnet_lab.host.state import MachineState


def register_commands(
    registry: Registry, state: MachineState, hardware: Hardware, firewall: FirewallEnforcement
) -> None:
    """Enters every command of this Windows; those its build does not have stay out."""
    del registry, state, hardware, firewall
