"""The models of Windows' own commands that the lab knows; `register_commands` enters them all."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from wslnet_lab.host.commands import (
    cim_instances,
    connection_profile,
    content,
    events,
    file_moves,
    file_security,
    get_command,
    host_firewall,
    hyperv_rules,
    hyperv_settings,
    item_values,
    items,
    names_and_nat,
    net_adapter,
    net_address,
    net_connection_test,
    net_interface,
    net_route,
    scheduled_tasks,
    service_acts,
    services,
    session_configurations,
    sockets,
)
from wslnet_lab.host.commands.guarded import Guarded
from wslnet_lab.host.commands.paths import Paths

if TYPE_CHECKING:
    from wslnet_lab.host.enforcement import FirewallEnforcement
    from wslnet_lab.host.engine import Registry
    from wslnet_lab.host.hardware import Hardware
    from wslnet_lab.host.networks import Networks
    from wslnet_lab.host.service_control import ServiceControl
    from wslnet_lab.host.state import MachineState
    from wslnet_lab.host.tasks.scheduler import Scheduler


def register_commands(
    registry: Registry,
    state: MachineState,
    hardware: Hardware,
    networks: Networks,
    firewall: FirewallEnforcement,
    *,
    scheduler: Scheduler,
    control: ServiceControl,
) -> None:
    """Enters every command of this Windows; which ones its build has is the engine's reading to say."""
    unguarded = (
        *net_interface.commands(networks, hardware),
        *net_address.commands(networks, hardware),
        *net_route.commands(networks, hardware),
        *net_adapter.commands(networks),
        *connection_profile.commands(state, networks, firewall),
        *hyperv_rules.commands(state.firewall, firewall),
        *hyperv_settings.commands(state.firewall, firewall, hardware),
        *host_firewall.commands(state, firewall),
        *sockets.commands(hardware),
        *names_and_nat.commands(state, networks),
        *scheduled_tasks.commands(state, scheduler),
    )
    cdxml = [replace(command, provider=Guarded(command.provider)) for command in unguarded]
    registry.add_cdxml(*cdxml)
    cim_instances.register(registry, state, cdxml)
    paths = Paths(state)
    items.register(registry, state, paths)
    item_values.register(registry, state, paths)
    content.register(registry, state, paths)
    file_moves.register(registry, state, paths)
    file_security.register(registry, state, paths)
    services.register(registry, state, hardware)
    service_acts.register(registry, state, control)
    get_command.register(registry, state)
    net_connection_test.register(registry, hardware, networks)
    events.register(registry, state)
    session_configurations.register(registry, state)
