r"""Native programs as the distros' owner by his task `\wslnet\programs`, where WinRS is not for us.

A `NativeRunner` over `OwnersTask`: which programs may be asked for, and what it means when none answers.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from wslnet.transport.pipe import after
from wslnet_win_agent.boot.call_files import TASK, Request, is_owners
from wslnet_win_agent.errors import DeliveryUnknown, WindowsAgentError
from wslnet_win_agent.facts.boot import task_states
from wslnet_win_agent.host import Host
from wslnet_win_agent.native import NativeResult
from wslnet_win_agent.owners_task import START_S, OwnersTask

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wslnet_win_agent.bridge import Bridge

_HOLD_S = 7200.0
_UNSIGNED = 0xFFFFFFFF


class TaskPrograms:
    """Runs `wsl.exe` as the owner. One thread at a time."""

    def __init__(self, machine: str, bridge: Bridge) -> None:
        self._machine = machine
        self._host = Host(bridge, self)
        self._task = OwnersTask(self._host)
        self._held: list[str] = []

    def is_installed(self) -> bool:
        """Whether the task is there."""
        return TASK in task_states(self._host)

    def run(
        self, argv: Sequence[str], *, timeout_s: float, stdin: bytes = b"", changes: bool = False
    ) -> NativeResult:
        """Run `argv` and wait for its end; see `NativeRunner`."""
        deadline = after(timeout_s)
        call = self._ask(Request(tuple(argv), timeout_s, stdin), deadline)
        answer = self._task.answer(call, deadline)
        if answer is None:
            text = f"{self._machine}: {argv[0]} did not end in time"
            raise (
                DeliveryUnknown(text)
                if changes and not self._task.withdraw(call)
                else WindowsAgentError("timed-out", text)
            )
        return NativeResult(answer.exit_code & _UNSIGNED, answer.stdout, answer.stderr)

    def hold(self, argv: Sequence[str]) -> None:
        """Start `argv` and leave it running until `close`; see `NativeRunner`."""
        deadline = after(START_S)
        call = self._ask(Request(tuple(argv), _HOLD_S, hold=True), deadline)
        if self._task.answer(call, deadline) is None:
            raise WindowsAgentError("timed-out", f"{self._machine}: {argv[0]} does not start")
        self._held.append(call)

    def close(self) -> None:
        """End what is held; one whose request cannot be removed ends with what it waits for."""
        while self._held:
            with suppress(Exception):  # the session may be gone, and this one is ended anyway
                self._task.release(self._held.pop())

    def _ask(self, request: Request, deadline: float) -> str:
        """Ask the task for a program.

        Raises:
            WindowsAgentError: `not-permitted` for another program; the task is not there or does not start.
        """
        if not is_owners(request.argv):
            raise WindowsAgentError(
                "not-permitted",
                f"{request.argv[0]} runs for administrators only, and not by the owner's task",
            )
        return self._task.ask(request, deadline)
