"""Starts what a task's action names as the task's principal: a process of this Windows.

The only program that the lab has for tasks is wslnet's own; its launcher under Program Files stands for the
real program, run by this interpreter inside the machine. Its environment says who the principal is, and by
that the stand-ins of powershell.exe and wsl.exe know for whom they speak.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wslnet_lab.host.local_programs import IDENTITY_VARIABLE, LIMITED, SERVICES
from wslnet_lab.host.wire.command_line import split_command_line
from wslnet_lab.paths import LOGON_VARIABLE, LOGONS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from wslnet_lab.host.contract import Identity
    from wslnet_lab.host.state import MachineState
    from wslnet_lab.host.tasks.definition import Action

LAUNCHER = "C:\\Program Files\\wslnet\\wslnet.exe"
_KILL_TIMEOUT_S = 5.0


@dataclass
class Launched:
    """A process that a task started."""

    _process: subprocess.Popen[bytes]

    def wait(self, timeout_s: float | None) -> int | None:
        """Its exit code, None when it runs on after `timeout_s` seconds (None: waits for ever)."""
        try:
            return self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return None

    def end(self) -> None:
        """Ends it and what it started."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(_KILL_TIMEOUT_S)


@dataclass
class Launcher:
    """Starts actions in this Windows.

    Attributes:
        state: Its disk says which programs exist.
        folder: The lab's folder: drive C: lies below it, output goes to its log.
    """

    state: MachineState
    folder: Path

    def __call__(self, action: Action, identity: Identity) -> Launched:
        """Starts an action.

        Raises:
            FileNotFoundError: Its program does not exist.
            ValueError: Its arguments cannot be read, or the lab has no such program.
        """
        command = action.command.strip('"')
        if self.state.disk.locate(command) is None:
            raise FileNotFoundError(2, "no such program", command)
        if command.lower() != LAUNCHER.lower():
            raise ValueError(f"the lab does not run {command}")
        argv = [sys.executable, "-m", "wslnet", *split_command_line(action.arguments)]
        with (self.folder / "log" / "tasks.log").open("ab") as log:
            process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._environment(identity),
                cwd="/",
                start_new_session=True,
            )
        return Launched(process)

    def _profile(self, identity: Identity) -> Mapping[str, str]:
        """Where a user's own files lie, and whose token it is; the lab has neither of services."""
        if identity in SERVICES.values():
            return {}
        home = self.state.disk.locate(self.state.settings.home)
        own = {} if home is None else {"USERPROFILE": str(home)}
        return own | {LOGON_VARIABLE: str(self.folder / LOGONS)}

    def _environment(self, identity: Identity) -> Mapping[str, str]:
        drive = self.folder / "windows" / "C"
        return {
            **os.environ,
            "PATH": f"{self.folder / 'standins/windows/bin'}:{os.environ['PATH']}",
            "PROGRAMDATA": str(drive / "ProgramData"),
            **self._profile(identity),
            IDENTITY_VARIABLE: _word(identity),
        }


def _word(identity: Identity) -> str:
    """What a process's environment says of who it is."""
    services = {one.sid: word for word, one in SERVICES.items()}
    return services.get(identity.sid) or ("owner" if identity.admin else LIMITED)
