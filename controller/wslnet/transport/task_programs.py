r"""Native programs as the distros' owner by his task `\wslnet\programs`, where WinRS is not for us.

A `NativeRunner` over typed calls: a request is a file in the owner's profile, the task is started on demand
and answers with another one. Nothing is registered here, and nothing is asked for twice.
"""

from __future__ import annotations

import ntpath
import secrets
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from wslnet.transport.pipe import after, left
from wslnet_win_agent.boot.call_files import TASK, Answer, Request, answer_name, is_owners, request_name
from wslnet_win_agent.boot.places import OWNER_FOLDER
from wslnet_win_agent.calls import files, tasks
from wslnet_win_agent.errors import DeliveryUnknown, WindowsAgentError
from wslnet_win_agent.facts.boot import task_states
from wslnet_win_agent.facts.files import read_file
from wslnet_win_agent.host import Host
from wslnet_win_agent.native import NativeResult

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wslnet_win_agent.bridge import Bridge

AWAKE_FOR_S = 10.0
"""The task's process waits longer than this for the next request (`wslnet.app.boot_call`)."""

_START_S = 30.0
_START_AGAIN_S = 3.0
_POLL_S = (0.05, 0.1, 0.2, 0.4)
_HOLD_S = 7200.0
_UNSIGNED = 0xFFFFFFFF


class TaskPrograms:
    """Runs `wsl.exe` as the owner. One thread at a time."""

    def __init__(self, machine: str, bridge: Bridge) -> None:
        self._machine = machine
        self._host = Host(bridge, self)
        self._held: list[str] = []
        self._answered_at = -AWAKE_FOR_S

    def is_installed(self) -> bool:
        """Whether the task is there."""
        return TASK in task_states(self._host)

    def run(
        self, argv: Sequence[str], *, timeout_s: float, stdin: bytes = b"", changes: bool = False
    ) -> NativeResult:
        """Run `argv` and wait for its end; see `NativeRunner`."""
        deadline = after(timeout_s)
        call = self._ask(Request(tuple(argv), timeout_s, stdin), deadline)
        answer = self._answer(call, deadline)
        if answer is None:
            text = f"{self._machine}: {argv[0]} did not end in time"
            raise (
                DeliveryUnknown(text)
                if changes and not self._withdrawn(call)
                else WindowsAgentError("timed-out", text)
            )
        return NativeResult(answer.exit_code & _UNSIGNED, answer.stdout, answer.stderr)

    def hold(self, argv: Sequence[str]) -> None:
        """Start `argv` and leave it running until `close`; see `NativeRunner`."""
        deadline = after(_START_S)
        call = self._ask(Request(tuple(argv), _HOLD_S, hold=True), deadline)
        if self._answer(call, deadline) is None:
            raise WindowsAgentError("timed-out", f"{self._machine}: {argv[0]} does not start")
        self._held.append(call)

    def close(self) -> None:
        """End what is held; one whose request cannot be removed ends with what it waits for."""
        self._host.until = after(_START_S)
        while self._held:
            with suppress(Exception):  # the session may be gone, and this one is ended anyway
                self._remove(request_name(self._held.pop()))

    def _ask(self, request: Request, deadline: float) -> str:
        """Put a request where the task looks, and see that it looks.

        Raises:
            WindowsAgentError: `not-permitted` for another program; the task is not there or does not start.
        """
        if not is_owners(request.argv):
            raise WindowsAgentError(
                "not-permitted",
                f"{request.argv[0]} runs for administrators only, and not by the owner's task",
            )
        self._host.until = deadline
        call = secrets.token_hex(16)
        write = files.write_bytes(self._path(request_name(call)), request.to_bytes())
        if time.monotonic() - self._answered_at > AWAKE_FOR_S:
            self._start()
        until = min(deadline, after(_START_S))
        while True:
            try:
                with suppress(DeliveryUnknown):  # the answer shows whether it arrived
                    self._host.write(write, "asking the owner's task")
            except WindowsAgentError as error:
                # Its folder is made by the task's first start.
                if error.code != "not-found" or time.monotonic() > until:
                    raise
                time.sleep(_POLL_S[-1])
            else:
                return call

    def _answer(self, call: str, deadline: float) -> Answer | None:
        """Wait for the answer; a task that ended just before the request came is started again.

        Raises:
            WindowsAgentError: what the task's own process says.
        """
        begun, turn = time.monotonic(), 0
        while left(deadline) > 0:
            answer = Answer.of(read_file(self._host, self._path(answer_name(call))).content)
            if answer is not None:
                self._remove(answer_name(call))
                self._answered_at = time.monotonic()
                if answer.code:
                    raise WindowsAgentError(answer.code, answer.message)
                return answer
            if time.monotonic() - begun > _START_AGAIN_S:
                begun = time.monotonic()
                self._start()
            time.sleep(_POLL_S[min(turn, len(_POLL_S) - 1)])
            turn += 1
        return None

    def _withdrawn(self, call: str) -> bool:
        """Take a request back that is too late; whether nobody had taken it yet."""
        self._host.until = after(_START_S)
        try:
            self._host.write(files.remove(self._path(request_name(call))), "withdrawing a request")
        except WindowsAgentError:
            return False
        return True

    def _start(self) -> None:
        with suppress(DeliveryUnknown):
            self._host.write(tasks.start(TASK), "starting the owner's task (wslnet endpoint install --owner)")

    def _remove(self, name: str) -> None:
        with suppress(DeliveryUnknown):
            self._host.write(files.remove(self._path(name)), f"removing {name}")

    def _path(self, name: str) -> str:
        return ntpath.join(self._host.user_profile, OWNER_FOLDER, name)
