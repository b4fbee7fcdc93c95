"""Where everything of a lab lies: one folder per lab under /run/wslnet-lab (docs/protocols.md section 3).

Names and paths only, nothing is read or written here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from wslnet_lab.errors import UsageError

LABS = Path("/run/wslnet-lab")
DEFAULT_NAME = "lab"
LOGONS = "windows/ntlm-credentials"
"""Below a lab's folder: what Windows knows of its accounts, the owner's first."""

LOGON_VARIABLE = "NTLM_USER_FILE"
"""Stands in for the token of a process: pyspnego signs in as the first account of the file that it names."""

_NAME = re.compile(r"[a-z0-9-]{1,24}")


@dataclass(frozen=True, slots=True)
class MachinePaths:
    """The files of one machine.

    Attributes:
        folder: Holds everything below.
        root: The merged view, mounted where anyone on this host sees it; for Windows its C:.
    """

    folder: Path
    root: Path

    @property
    def upper(self) -> Path:
        """What the machine changed of its system: the upper side of the overlay on `root`."""
        return self.folder / "upper"

    @property
    def work(self) -> Path:
        """Scratch folder of overlayfs beside `upper`."""
        return self.folder / "work"

    @property
    def usr(self) -> Path:
        """`upper` and `work` of the overlay on `root/usr`."""
        return self.folder / "usr"

    @property
    def boot(self) -> Path:
        """What its process 1 is told (JSON), written before each start."""
        return self.folder / "init.json"

    @property
    def hypervisor(self) -> Path:
        """Socket of the virtual machine monitor that `virsh` inside talks to."""
        return self.folder / "hypervisor.sock"

    @property
    def consoles(self) -> Path:
        """Socket on which `virsh console` inside gets the console of a domain."""
        return self.folder / "consoles.sock"


@dataclass(frozen=True, slots=True)
class LabPaths:
    """The files of one lab, as docs/protocols.md section 3 names them."""

    name: str

    @classmethod
    def of(cls, name: str) -> LabPaths:
        """Paths of the lab called `name`.

        Raises:
            UsageError: The name is not `[a-z0-9-]{1,24}`.
        """
        if not _NAME.fullmatch(name):
            raise UsageError(f"lab name {name!r}: 1 to 24 of a-z, 0-9 and -")
        return cls(name)

    @property
    def beside(self) -> LabPaths:
        """Paths of the lab of the other PC that is raised with this one.

        Raises:
            UsageError: This lab's name is too long for that.
        """
        return LabPaths.of(f"{self.name}-2")

    @property
    def folder(self) -> Path:
        """Holds all of them; a file system of its own while the lab is up."""
        return LABS / self.name

    @property
    def state(self) -> Path:
        """Which processes and machines there are, for the commands."""
        return self.folder / "state.json"

    @property
    def inventory(self) -> Path:
        """The controller's inventory."""
        return self.folder / "inventory.toml"

    @property
    def control(self) -> Path:
        """The daemon's control socket."""
        return self.folder / "control.sock"

    @property
    def attach(self) -> Path:
        """The daemon's socket on which a program in WSL gets its client's streams."""
        return self.folder / "attach.sock"

    @property
    def ports(self) -> Path:
        """Socket of WSL's port tracker, there while a guest runs whose binds ask Windows."""
        return self.folder / "ports.sock"

    @property
    def local_inventory(self) -> Path:
        """The inventory of a controller that runs on Windows itself."""
        return self.folder / "inventory-local.toml"

    @property
    def windows_programs(self) -> Path:
        """Programs on PATH in Windows: `powershell.exe`, `wsl.exe`, `netsh.exe`."""
        return self.standins / "windows" / "bin"

    @property
    def faults(self) -> Path:
        """The faults in force."""
        return self.folder / "faults.json"

    @property
    def log(self) -> Path:
        """Logs of the daemon, of each machine, and of the calls to Windows."""
        return self.folder / "log"

    @property
    def calls(self) -> Path:
        """What Windows was asked to do, one JSON object a line."""
        return self.log / "calls.jsonl"

    @property
    def keys(self) -> Path:
        """SSH keys."""
        return self.folder / "keys"

    @property
    def client_key(self) -> Path:
        """The private key that logs in everywhere."""
        return self.keys / "id_ed25519"

    @property
    def password(self) -> Path:
        """The password of Windows' owner."""
        return self.folder / "password"

    @property
    def windows_settings(self) -> Path:
        """What kind of Windows it is, data of the topology."""
        return self.folder / "windows.json"

    @property
    def windows_ready(self) -> Path:
        """Written by the Windows host when it serves."""
        return self.folder / "windows" / "host.ready"

    @property
    def windows_power(self) -> Path:
        """Socket of the Windows host on which WSL is restarted as its owner would."""
        return self.folder / "windows" / "host.sock"

    @property
    def base(self) -> Path:
        """The lower side of every Linux machine's overlay: a bare Debian without /usr."""
        return self.folder / "base"

    @property
    def standins(self) -> Path:
        """Programs laid over /usr of some machines: `virsh`, `wslinfo`."""
        return self.folder / "standins"

    def machine(self, name: str) -> MachinePaths:
        """Paths of one machine; Windows' files are its C: drive."""
        folder = self.folder / name
        return MachinePaths(folder, folder / ("C" if name == "windows" else "root"))

    def netns(self, machine: str) -> str:
        """Name of a machine's network namespace, as `ip netns` shows it."""
        return f"wl-{self.name}-{machine}"
