"""The daemon of one lab: boots it, serves its sockets, and waits for its end.

Started by `wslnet lab up` as `python -m wslnet_lab.daemon NAME TOPOLOGY` with its own session. It writes one
line to its standard output, `up` or why not, and then nothing more. It is ended by a signal; what it leaves
is cleared by `cleanup`, the same way whether it ended well or not.
"""

from __future__ import annotations

import logging
import signal
import sys
import time
from typing import TYPE_CHECKING, Any

from wslnet_lab import consoles, control, faults, inventory, syscalls, wsl_programs
from wslnet_lab.attached import AttachedServer
from wslnet_lab.control import Method, Server
from wslnet_lab.errors import LabError, UsageError
from wslnet_lab.fabric.netns import FabricError
from wslnet_lab.hardware import Hardware
from wslnet_lab.hypervisor import Hypervisor
from wslnet_lab.install import install
from wslnet_lab.paths import LabPaths
from wslnet_lab.socks import SocksProxy
from wslnet_lab.topology.read import read
from wslnet_lab.utility_vm import UtilityVm
from wslnet_lab.windows_side import WindowsSide

if TYPE_CHECKING:
    from wslnet_lab.topology.model import Machine, Topology

_REAP_EVERY_S = 0.2
_WSL_RESTART_TIMEOUT_S = 90.0
_EXPECTED = (LabError, FabricError)
_LOG = logging.getLogger(__name__)


class Daemon:
    """Everything that the daemon of a lab holds."""

    def __init__(self, paths: LabPaths, topology: Topology) -> None:
        self._paths = paths
        self._topology = topology
        self._hardware = Hardware(paths, topology)
        self._wsl = UtilityVm(self._hardware)
        self._proxy = SocksProxy(paths.netns(topology.one("windows").name))
        self._hardware.before_windows_stops.append(self._proxy.drop_connections)
        self._windows = WindowsSide(self._hardware, self._wsl)

    def up(self) -> None:
        """Boots the whole topology and returns when every machine answers."""
        self._hardware.save()
        install(self._paths, self._topology)
        inventory.write(self._paths, self._topology, self._proxy.port)
        self._serve()
        # Under the lock, so that Windows, which asks whether WSL runs when it boots, gets the final answer.
        with self._hardware.lock:
            for machine in self._topology.machines.values():
                self._switch_on(machine)
        for machine in self._topology.machines.values():
            self._hardware.wait_answering(machine)

    def _switch_on(self, machine: Machine) -> None:
        if machine.kind in ("gateway", "peer"):
            self._hardware.start_lan_machine(machine)
        elif machine.kind == "windows":
            self._hardware.start_windows()
        elif machine.kind == "wsl":
            self._wsl.start(machine.mode, {}, None)
        else:
            self._hardware.start_vm(machine)

    def stay(self) -> None:
        """Lives until a signal ends this process, and takes the exits of machines meanwhile."""
        while True:
            time.sleep(_REAP_EVERY_S)
            self._hardware.reap()

    # ---- what the commands ask -------------------------------------------------------------------------

    def methods(self) -> dict[str, Method]:
        """The methods of the control socket."""
        return {
            **self._windows.methods(),
            "status": lambda: self._hardware.snapshot().report(),
            "reboot": self.reboot,
            "break": self.set_faults,
        }

    def reboot(self, *, machine: str, fast_startup: bool = False) -> dict[str, Any]:
        """Reboots Windows, WSL or a VM, and loses what a reboot loses; what runs inside stays off."""
        found = self._hardware.find(machine)
        if found.kind == "wsl":
            # Windows decides how WSL starts, and comes back here for it: not under the lock.
            control.call(self._paths.windows_power, "wsl_restart", {}, timeout_s=_WSL_RESTART_TIMEOUT_S)
            return self._hardware.snapshot().report()
        with self._hardware.lock:
            if found.kind == "vm":
                self._hardware.stop(machine)
                self._hardware.start_vm(found)
            elif found.kind == "windows":
                self._wsl.stop()
                if fast_startup:
                    self._hardware.suspend_windows()
                else:
                    self._hardware.stop(machine)
                self._hardware.start_windows(resumed=fast_startup)
                if not fast_startup:
                    # Hyper-V starts again what ran, which is its default; WSL waits for its owner.
                    self._hardware.start_vms(machine)
            else:
                raise UsageError(f"{machine} is no machine to reboot; windows, wsl and the VMs are")
        self._hardware.wait_answering(found)
        return self._hardware.snapshot().report()

    def set_faults(self, names: list[str]) -> list[str]:
        """Puts exactly these faults in force."""
        for name in names:
            faults.check(name, self._topology)
        with self._hardware.lock:
            before = set(faults.read(self._paths))
            faults.write(self._paths, tuple(names))
            if faults.is_steering_left(self._paths):
                self._wsl.leave_steering()
            for name in before ^ set(names):
                kind, _, machine = name.partition(":")
                if kind == faults.SSHD_REFUSED and machine in self._hardware.inits:
                    gone = name in names
                    self._hardware.inits[machine].signal(signal.SIGUSR1 if gone else signal.SIGUSR2)
                elif kind == faults.VM_OFF and name in names:
                    self._hardware.stop(machine, orderly=False)
        return names

    def _serve(self) -> None:
        Server(self._paths.control, self.methods(), _EXPECTED)
        AttachedServer(self._paths.attach, wsl_programs.attach(self._hardware, self._wsl))
        for machine in self._topology.machines.values():
            if machine.has_hypervisor:
                methods = Hypervisor(self._hardware, machine).methods()
                if machine.kind == "wsl":
                    methods["wsl_info"] = self._wsl.info
                where = self._paths.machine(machine.name)
                Server(where.hypervisor, methods, _EXPECTED)
                AttachedServer(where.consoles, consoles.serve(self._hardware, machine))


def main() -> None:
    """Boots the lab named on the command line and stays until a signal ends it."""
    name, topology = sys.argv[1:]
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(name)s %(message)s")
    syscalls.become_subreaper()
    try:
        daemon = Daemon(LabPaths.of(name), read(topology))
        daemon.up()
    except (LabError, FabricError, OSError) as error:
        _LOG.exception("lab up")
        sys.stdout.write(f"{error}\n")
        raise SystemExit(1) from None
    sys.stdout.write("up\n")
    sys.stdout.close()
    daemon.stay()


if __name__ == "__main__":
    main()
