"""The switch that `lab reboot wsl` presses: WSL ended and started as its owner would, `.wslconfig` read anew.

A socket with the lab's own framing beside the machine's files. It is no part of Windows and writes no log of
calls.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet_lab.control import Server
from wslnet_lab.errors import LabError
from wslnet_lab.host.hardware import HardwareError
from wslnet_lab.host.wsl.distros import registered
from wslnet_lab.host.wsl.failure import WslFailure

if TYPE_CHECKING:
    from pathlib import Path

    from wslnet_lab.host.state import MachineState
    from wslnet_lab.host.wsl.lifecycle import WslLife


def serve_power(path: Path, state: MachineState, wsl: WslLife) -> Server:
    """Serves `wsl_restart` on a socket at `path`."""

    def restart() -> None:
        distros = registered(state, state.settings.owner_sid)
        if not distros:
            raise LabError("the owner of this Windows has no WSL distribution")
        try:
            wsl.shutdown(force=False)
            wsl.start(distros[0])
        except (WslFailure, HardwareError) as error:
            raise LabError(f"WSL does not start: {error}") from error

    return Server(path, {"wsl_restart": restart})
