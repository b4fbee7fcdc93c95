"""The life of WSL's one machine: start when it is needed, commands in it, end. Who runs which distribution.

A start or an end is waited for under one lock, as WSL's session does (wsl-facts 2.4). What ends it when it is
idle is a thread that `watch` starts.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING

from wslnet_lab.host.hardware import Hardware, HardwareError, LinuxOutcome
from wslnet_lab.host.wsl.distros import Registered, registered
from wslnet_lab.host.wsl.failure import WslFailure
from wslnet_lab.host.wsl.idle import TERMINAL_CLOSED, Due, IdleClock, IdleTimes
from wslnet_lab.host.wsl.startup import Startup, start_failure

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager

    from wslnet_lab.attached import Streams
    from wslnet_lab.host.enforcement import FirewallEnforcement
    from wslnet_lab.host.state import MachineState
    from wslnet_lab.host.wsl.messages import Message


RESTARTED_BY_OTHER = "wsl-restarted-by-other"
"""Fault of `lab break`: another client (Explorer, Docker Desktop) starts WSL right after each shutdown."""

_LOG = logging.getLogger(__name__)
_LOOK_EVERY_S = 0.25


class WslLife:
    """The machine of the owner. All methods may be called from any thread."""

    def __init__(self, state: MachineState, hardware: Hardware, firewall: FirewallEnforcement) -> None:
        self._state = state
        self._hardware = hardware
        self._firewall = firewall
        self._startup = Startup(state, hardware, firewall)
        self._lock = threading.RLock()
        self._idle = IdleClock()
        self._on = False  # whether the machine is to be looked after: it was started and not ended by us

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
                    self._idle.forget()
            except HardwareError as error:
                raise start_failure(error) from error
            with self._state.boot.change() as boot:
                boot["running_distros"] = sorted({*boot["running_distros"], distro.name.lower()})
            self._on = True
            return warnings

    def adopt(self) -> None:
        """Takes over a machine that runs already when this Windows begins to answer."""
        with self._lock:
            machine = self._hardware.wsl_state()
            if not machine.running:
                self._forget_distros()
                return
            self._on = True
            self._startup.keep_idle_times()
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
            if RESTARTED_BY_OTHER in self._state.faults():
                # Waits for the lock, and so is the first to come after this.
                threading.Thread(target=self._start_by_other, daemon=True).start()
            if self.running():
                self._hardware.wsl_stop(force=force)
            self._forget_distros()
            self._on = False

    def terminate(self, distro: Registered) -> None:
        """`wsl --terminate`: ends one distribution; the machine and its network stay (wsl-facts 2.4)."""
        with self._lock:
            if distro.name.lower() in self.running_distros():
                self._end_distro(distro.name.lower())

    def client(self, distro: Registered) -> AbstractContextManager[None]:
        """Holds a distribution for as long as the block lasts, as an open wsl.exe does."""
        return self._idle.client(distro.name.lower())

    def watch(self) -> None:
        """Starts the thread that ends what is idle."""
        threading.Thread(target=self._end_idle_for_ever, name="wsl idle", daemon=True).start()

    def end_idle(self, now: float) -> None:
        """Ends the distributions and the machine that are idle for too long at `now` (seconds).

        Raises:
            HardwareError: The hardware refused or did not answer.
        """
        with self._lock:
            if not self._on:
                return
            for name in self._due(now).distros:
                self._end_distro(name)
            if self._due(now).machine:
                self._on = False
                if self.running():
                    self._hardware.wsl_stop(force=False)

    def execute(self, argv: Sequence[str], user: str, stdin: bytes | Streams) -> LinuxOutcome:
        """Runs a command in the machine, which must be up, and waits for it.

        With the streams of a client it speaks on these, for as long as both live.
        """
        if not isinstance(stdin, bytes):
            return LinuxOutcome(self._hardware.wsl_attach(argv, user, stdin), b"", b"")
        return self._hardware.wsl_exec(argv, user, self._state.settings.exec_timeout_s, stdin)

    def _end_distro(self, name: str) -> None:
        self._hardware.wsl_terminate(name)
        with self._state.boot.change() as boot:
            boot["running_distros"].remove(name)

    def _end_idle_for_ever(self) -> None:
        while True:
            time.sleep(_LOOK_EVERY_S)
            try:
                self.end_idle(time.monotonic())
            except HardwareError as error:
                _LOG.warning("idle stop of WSL: %s", error)

    def _due(self, now: float) -> Due:
        return self._idle.due(self._state.boot.data["running_distros"], self._held(), self._times(), now)

    def _held(self) -> list[str]:
        """The terminal that the user keeps open in the default distribution holds that one."""
        settings = self._state.settings
        if not settings.user_terminal or TERMINAL_CLOSED in self._state.faults():
            return []
        return [each.name.lower() for each in registered(self._state, settings.owner_sid)[:1]]

    def _times(self) -> IdleTimes:
        return IdleTimes(**self._state.boot.data["wsl_idle"]).faster(self._state.settings.idle_speed)

    def _start_by_other(self) -> None:
        distros = registered(self._state, self._state.settings.owner_sid)
        try:
            if distros:
                self.start(distros[0])
        except WslFailure as failure:
            _LOG.warning("another client could not start WSL: %s", failure)

    def _forget_distros(self) -> None:
        with self._state.boot.change() as boot:
            boot["running_distros"] = []
