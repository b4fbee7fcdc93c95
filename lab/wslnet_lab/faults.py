"""Faults that can be put into a lab: names in one file that the parts read when they act.

Windows' own are the Windows host's to obey; those that name a machine are the daemon's.
Only the file is kept here.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from wslnet_lab.errors import UsageError
from wslnet_lab.host.commands.file_moves import HALF_DONE
from wslnet_lab.host.state.machine_state import WINNAT_TAKES_PORTS, WSLCONFIG_LOCKED
from wslnet_lab.host.wire.settings import FAULTS as WIRE_FAULTS
from wslnet_lab.host.wsl.idle import TERMINAL_CLOSED
from wslnet_lab.host.wsl.lifecycle import RESTARTED_BY_OTHER
from wslnet_lab.host.wsl.startup import INIT_FAULTS, NO_NAT_NETWORK, STEERING_LEFT

if TYPE_CHECKING:
    from wslnet_lab.paths import LabPaths
    from wslnet_lab.topology.model import Topology

SSHD_REFUSED = "sshd-refused"
VM_OFF = "vm-off"
NO_AGENT = "no-guest-agent"
UAC_DECLINED = "uac-declined"


def read(paths: LabPaths) -> tuple[str, ...]:
    """The faults in force."""
    if not paths.faults.exists():
        return ()
    return tuple(json.loads(paths.faults.read_text())["faults"])


def write(paths: LabPaths, names: tuple[str, ...]) -> None:
    """Puts exactly these faults in force."""
    fresh = paths.faults.with_suffix(".new")
    fresh.write_text(json.dumps({"faults": list(names)}))
    fresh.replace(paths.faults)


def check(name: str, topology: Topology) -> None:
    """Refuses what is no fault of this topology.

    Raises:
        UsageError: With the faults that there are.
    """
    of_wsl = {
        *INIT_FAULTS.values(),
        NO_NAT_NETWORK,
        STEERING_LEFT,
        WSLCONFIG_LOCKED,
        TERMINAL_CLOSED,
        RESTARTED_BY_OTHER,
    }
    possible = sorted({*WIRE_FAULTS, *of_wsl, HALF_DONE, UAC_DECLINED, WINNAT_TAKES_PORTS})
    possible += [f"{SSHD_REFUSED}:{each.name}" for each in topology.machines.values() if each.is_linux]
    possible += [f"{VM_OFF}:{each.name}" for each in topology.machines.values() if each.kind == "vm"]
    possible += [f"{NO_AGENT}:{each.name}" for each in topology.machines.values() if each.kind == "vm"]
    if name not in possible:
        raise UsageError(f"no fault {name!r}; there is {', '.join(possible)}")


def is_steering_left(paths: LabPaths) -> bool:
    """Whether the adapter of mirrored mode outlives it until Windows boots."""
    return STEERING_LEFT in read(paths)


def refuses_ssh(paths: LabPaths, machine: str) -> bool:
    """Whether the SSH server of a machine is to be silent."""
    return f"{SSHD_REFUSED}:{machine}" in read(paths)


def has_no_agent(paths: LabPaths, machine: str) -> bool:
    """Whether the guest agent of a VM is not installed."""
    return f"{NO_AGENT}:{machine}" in read(paths)
