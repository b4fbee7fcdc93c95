"""Programs that stand in for others: `virsh`, `dnsmasq`, `getty`, `wslinfo`, `docker`, Windows' own.

They run under the machine's own Python, outside this package; those that ask do so at the virtual machine
monitor's socket. Which machine gets which is said here.
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wslnet_lab.topology.model import Machine


_OF_WINDOWS = ("powershell.exe", "wsl.exe", "netsh.exe", "sc.exe", "reg.exe", "whoami.exe", "icacls.exe")


def programs(machine: Machine) -> dict[str, str]:
    """The stand-ins of a machine: path below /usr (for Windows: name on its PATH) to text."""
    if machine.kind == "windows":
        text = (resources.files("wslnet_lab.standins") / "windows_program.py").read_text(encoding="utf-8")
        runas = (resources.files("wslnet_lab.standins") / "runas.py").read_text(encoding="utf-8")
        return {**dict.fromkeys(_OF_WINDOWS, text), "runas.exe": runas}
    wanted = []
    if machine.networks:
        # Not where this host may have the real one: wslnet must not depend on its path.
        wanted += ["bin/virsh", "libexec/dnsmasq"]
    if machine.kind == "vm":
        wanted.append("local/sbin/getty")
    if machine.kind == "wsl":
        # In /usr/local, so that a client of this host's own Docker is not taken for the machine's.
        wanted += ["bin/wslinfo", "local/bin/docker"]
    folder = resources.files("wslnet_lab.standins")
    return {path: (folder / f"{Path(path).name}.py").read_text(encoding="utf-8") for path in wanted}
