"""The life of WSL's one machine: start when it is needed, commands in it, end. Who runs which distribution.

A start or an end is waited for under one lock, as WSL's session does (wsl-facts 2.4). Idle stop is a later
issue; until then the machine runs until it is shut down.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from wslnet_lab.host.hardware import Hardware, HardwareError, LinuxOutcome
from wslnet_lab.host.wsl.distros import Registered, registered
from wslnet_lab.host.wsl.startup import Startup, start_failure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wslnet_lab.attached import Streams
    from wslnet_lab.host.enforcement import FirewallEnforcement
    from wslnet_lab.host.state import MachineState
    from wslnet_lab.host.wsl.messages import Message


class WslLife:
    """The machine of the owner. All methods may be called from any thread."""

    def __init__(self, state: MachineState, hardware: Hardware, firewall: FirewallEnforcement) -> None:
        self._state = state
        self._hardware = hardware
        self._firewall = firewall
        self._startup = Startup(state, hardware, firewall)
        self._lock = threading.RLock()

    def running(self) -> bool:
        """Whether the machine runs."""
        return self._hardware.wsl_state().running

    def running_distros(self) -> frozenset[str]:
        """Names, in lower case, of the distributions that run."""
        return frozenset(self._state.boot.data["running_distros"]) if self.running() else frozenset()

    def start(self, distro: Registered) -> tuple[Message, ...]:
        """Starts the machine if it is down, and the distribution in it; gives the warnings of this start.

        Raises:
            WslFailure: The machine cannot be made.
        """
        with self._lock:
            warnings: tuple[Message, ...] = ()
            try:
                if not self.running():
                    self._forget_distros()
                    warnings = self._startup.run(distro.name)
            except HardwareError as error:
                raise start_failure(error) from error
            with self._state.boot.change() as boot:
                boot["running_distros"] = sorted({*boot["running_distros"], distro.name.lower()})
            return warnings

    def adopt(self) -> None:
        """Takes over a machine that runs already when this Windows begins to answer."""
        with self._lock:
            machine = self._hardware.wsl_state()
            if not machine.running:
                return
            self._state.firewall.register_wsl()
            self._firewall.push()
            if machine.mode == "nat" and machine.address:
                self._startup.remember_nat(machine.address, None)
            distros = registered(self._state, self._state.settings.owner_sid)
            if distros and not self._state.boot.data["running_distros"]:
                with self._state.boot.change() as boot:
                    boot["running_distros"] = [distros[0].name.lower()]

    def shutdown(self, *, force: bool) -> None:
        """`wsl --shutdown`: ends the machine; that it does not run is no error."""
        with self._lock:
            if self.running():
                self._hardware.wsl_stop(force=force)
            self._forget_distros()

    def terminate(self, distro: Registered) -> None:
        """`wsl --terminate`: ends one distribution; the machine and its network stay (wsl-facts 2.4)."""
        with self._lock:
            if distro.name.lower() not in self.running_distros():
                return
            self._hardware.wsl_terminate(distro.name)
            with self._state.boot.change() as boot:
                boot["running_distros"].remove(distro.name.lower())

    def execute(self, argv: Sequence[str], user: str, stdin: bytes | Streams) -> LinuxOutcome:
        """Runs a command in the machine, which must be up, and waits for it.

        With the streams of a client it speaks on these, for as long as both live.
        """
        if not isinstance(stdin, bytes):
            return LinuxOutcome(self._hardware.wsl_attach(argv, user, stdin), b"", b"")
        return self._hardware.wsl_exec(argv, user, self._state.settings.exec_timeout_s, stdin)

    def _forget_distros(self) -> None:
        with self._state.boot.change() as boot:
            boot["running_distros"] = []
