"""Programs that stand in for others inside the machines: `virsh` of libvirt, `wslinfo` of WSL, Windows' own.

They run under the machine's own Python, outside this package, and only talk to the virtual machine monitor's
socket. Which machine gets which is said here.
"""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wslnet_lab.topology.model import Machine


_OF_WINDOWS = ("powershell.exe", "wsl.exe", "netsh.exe", "sc.exe", "whoami.exe", "icacls.exe")


def programs(machine: Machine) -> dict[str, str]:
    """The stand-ins in a machine's /usr/bin (for Windows: on its PATH): name to text."""
    if machine.kind == "windows":
        text = (resources.files("wslnet_lab.standins") / "windows_program.py").read_text(encoding="utf-8")
        return dict.fromkeys(_OF_WINDOWS, text)
    wanted = []
    if machine.networks:
        wanted.append("virsh")
    if machine.kind == "wsl":
        wanted.append("wslinfo")
    folder = resources.files("wslnet_lab.standins")
    return {name: (folder / f"{name}.py").read_text(encoding="utf-8") for name in wanted}
