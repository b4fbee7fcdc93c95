"""Puts one Windows together: state, firewall enforcement, WSL, native programs, and all its commands.

`host.__main__` builds a machine with the real hardware and hands `registry` to the engine and `programs` to
the wire. Starting Windows is `boot`; nothing else here acts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wslnet_lab.host.commands import register_commands
from wslnet_lab.host.endpoint.registered import Endpoints
from wslnet_lab.host.enforcement import FirewallEnforcement
from wslnet_lab.host.engine import EngineSettings, Registry, reading_of
from wslnet_lab.host.engine.build import build_commands
from wslnet_lab.host.icacls import Icacls
from wslnet_lab.host.netsh import Netsh
from wslnet_lab.host.networks import Networks
from wslnet_lab.host.port_proxy import SERVICE, PortProxy
from wslnet_lab.host.reg import Reg
from wslnet_lab.host.sc import Sc
from wslnet_lab.host.service_control import ServiceActs, ServiceControl
from wslnet_lab.host.state import MachineState
from wslnet_lab.host.state.host_policy import POLICIES
from wslnet_lab.host.tasks.launch import Launcher
from wslnet_lab.host.tasks.scheduler import Scheduler
from wslnet_lab.host.tasks.store import TaskStore
from wslnet_lab.host.wsl.client import WslClient
from wslnet_lab.host.wsl.lifecycle import WslLife
from wslnet_lab.host.wsl.programs import InstalledPrograms, Plain, Program, Whoami

if TYPE_CHECKING:
    from pathlib import Path

    from wslnet_lab.host.contract import CallLog, NativePrograms
    from wslnet_lab.host.hardware import Hardware
    from wslnet_lab.host.tasks.scheduler import Launch
    from wslnet_lab.host.wsl.programs import Program


@dataclass(frozen=True)
class WindowsMachine:
    """One Windows, ready to be talked to.

    Attributes:
        state: What it remembers.
        hardware: The machine below it.
        networks: Adapters and routes with the settings that Windows keeps.
        firewall: Makes the hardware obey the Hyper-V firewall.
        wsl: The life of WSL's machine.
        proxy: The rules of portproxy and the service that listens for them.
        registry: Its commands, for `engine.build_engine`.
        programs: Its native programs, for WinRS.
        scheduler: Its Task Scheduler; `power_on` sets it going.
    """

    state: MachineState
    hardware: Hardware
    networks: Networks
    firewall: FirewallEnforcement
    wsl: WslLife
    proxy: PortProxy
    registry: Registry
    programs: NativePrograms
    scheduler: Scheduler

    def boot(self) -> None:
        """What Windows does when it comes up: the firewall in force, persistent network settings back.

        A WSL machine that runs already is taken over. Call it once, before the first client.

        Raises:
            HardwareError: The hardware refused or did not answer.
        """
        self.firewall.push()
        self.networks.restore()
        self.proxy.reread()
        self.wsl.adopt()


def build_windows(
    lab_dir: Path,
    hardware: Hardware,
    log: CallLog,
    *,
    resumed: bool = False,
    launch: Launch | None = None,
) -> WindowsMachine:
    """The Windows of the lab in `lab_dir`.

    Args:
        lab_dir: `LAB` of docs/protocols.md section 3; the state lies below it.
        hardware: The machine below.
        log: Where wsl.exe's runs are written.
        resumed: A Fast-Startup power-on, which keeps what a boot loses (wsl-facts 9).
        launch: Starts what tasks name; None: as processes of this Windows.

    Raises:
        ValueError: `windows.json` cannot be used.
    """
    state = MachineState(lab_dir, resumed=resumed)
    firewall = FirewallEnforcement(state, hardware)
    state.registry.watch(POLICIES, firewall.push)
    wsl = WslLife(state, hardware, firewall)
    registry = Registry()
    networks = Networks(state, hardware)
    scheduler = Scheduler(state, TaskStore(lab_dir / "windows"), launch or Launcher(state, lab_dir))
    proxy = PortProxy(state, hardware)
    control = ServiceControl(
        state,
        {
            SERVICE: ServiceActs(proxy.reread, proxy.end, proxy.reread),
            "WSLService": ServiceActs(stop=lambda: wsl.shutdown(force=True)),
        },
    )
    register_commands(registry, state, hardware, networks, firewall, scheduler=scheduler, control=control)
    own: dict[str, Program] = {
        "wsl.exe": WslClient(state, wsl, log),
        "whoami.exe": Plain(Whoami(state).run),
        "icacls.exe": Plain(Icacls(state).run),
        "netsh.exe": Plain(Netsh(state, proxy).run),
        "reg.exe": Plain(Reg(state).run),
        "sc.exe": Plain(Sc(control).run),
    }
    programs = InstalledPrograms(state, own)
    return WindowsMachine(state, hardware, networks, firewall, wsl, proxy, registry, programs, scheduler)


def endpoints_of(machine: WindowsMachine) -> Endpoints:
    """The session configurations of a Windows, with the commands that its build has."""
    own = machine.state.settings
    windows = build_commands(machine.registry, EngineSettings(reading_of(own.build), own.computer))
    return Endpoints(machine.state, windows)
