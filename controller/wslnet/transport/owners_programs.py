"""Which way native programs of a remote Windows take: WinRS where it can run WSL, else the owner's own task.

WinRS is for administrators, and a Store WSL does not start in a session over the network (windows-facts 5).
The first look at wsl.exe finds out, once a session; programs that are not WSL's stay with WinRS.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet_win_agent.boot.call_files import is_owners
from wslnet_win_agent.errors import WindowsAgentError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wslnet.transport.task_programs import TaskPrograms
    from wslnet_win_agent.native import NativeResult, NativeRunner

_LOOK = "--version"
_LOOK_S = 20.0


class OwnersPrograms:
    """A `NativeRunner` that knows both ways. One thread at a time."""

    def __init__(self, machine: str, winrs: NativeRunner, task: TaskPrograms) -> None:
        self._machine = machine
        self._winrs = winrs
        self._task = task
        self._chosen: NativeRunner | None = None
        self._looked: tuple[tuple[str, ...], NativeResult] | None = None

    def run(
        self, argv: Sequence[str], *, timeout_s: float, stdin: bytes = b"", changes: bool = False
    ) -> NativeResult:
        """As `NativeRunner.run`."""
        way = self._way(argv)
        looked, self._looked = self._looked, None
        if looked is not None and looked[0] == tuple(argv):
            return looked[1]  # that look is what is asked for
        return way.run(argv, timeout_s=timeout_s, stdin=stdin, changes=changes)

    def hold(self, argv: Sequence[str]) -> None:
        """As `NativeRunner.hold`."""
        self._way(argv).hold(argv)

    def close(self) -> None:
        """Ends both."""
        self._task.close()
        self._winrs.close()

    def _way(self, argv: Sequence[str]) -> NativeRunner:
        """The way of a program.

        Raises:
            WindowsAgentError: `not-permitted`: neither way is open; says what opens the other one.
        """
        if not is_owners(argv):
            return self._winrs
        if self._chosen is None:
            self._chosen = self._probed(argv[0])
        return self._chosen

    def _probed(self, program: str) -> NativeRunner:
        try:
            seen = self._winrs.run((program, _LOOK), timeout_s=_LOOK_S)
        except WindowsAgentError as error:
            if error.code != "not-permitted":
                raise
            seen = None
        if seen is not None and seen.exit_code == 0:
            self._looked = ((program, _LOOK), seen)
            return self._winrs
        if self._task.is_installed():
            return self._task
        if seen is not None and seen.stdout:
            # A wsl.exe that came with Windows knows no --version, says so, and runs all the same.
            return self._winrs
        raise WindowsAgentError(
            "not-permitted",
            f"{self._machine}: wsl.exe does not run over WinRM, and the owner's task is not there: an "
            "administrator makes it with `wslnet endpoint install --owner`",
        )
