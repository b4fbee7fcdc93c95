"""What a Windows remembers: settings, registry, drive C:, Hyper-V firewall, services, networks.

Everything lies as files under `LAB/windows`; `MachineState` opens them. What a reboot loses (`Boot`) is kept
apart from what it keeps. Nothing here speaks to the network.
"""

from wslnet_lab.host.state.machine_state import MachineState

__all__ = ["MachineState"]
