r"""Asking the owner's task `\wslnet\programs`: a request put into the owner's profile, the answer fetched.

The task is started on demand. Nothing is registered here, nothing is asked for twice; what a request means
is for others to know.
"""

from __future__ import annotations

import ntpath
import secrets
import time
from typing import TYPE_CHECKING

from .boot.call_files import TASK, Answer, answer_name, request_name
from .boot.places import OWNER_FOLDER
from .calls import files, tasks
from .errors import WindowsAgentError
from .facts.files import read_file

if TYPE_CHECKING:
    from .boot.call_files import Request
    from .host import Host

AWAKE_FOR_S = 10.0
"""The task's process waits longer than this for the next request (`wslnet.app.boot_call`)."""

START_S = 30.0
_START_AGAIN_S = 3.0
_POLL_S = (0.05, 0.1, 0.2, 0.4)


class OwnersTask:
    """The task as one who may write into its owner's profile has it. One thread at a time."""

    def __init__(self, host: Host, profile: str | None = None) -> None:
        """Takes the owner's folder too; None: the owner is the session's own user."""
        self._host = host
        self._profile = profile
        self._answered_at = -AWAKE_FOR_S

    def ask(self, request: Request, deadline: float) -> str:
        """Put a request where the task looks, and see that it looks; gives the id of the request.

        Raises:
            WindowsAgentError: the task is not there or does not start.
        """
        self._host.until = deadline
        call = secrets.token_hex(16)
        write = files.write_bytes(self._path(request_name(call)), request.to_bytes())
        if time.monotonic() - self._answered_at > AWAKE_FOR_S:
            self._start()
        until = min(deadline, time.monotonic() + START_S)
        while True:
            try:
                self._host.attempt(write, "asking the owner's task")  # the answer shows whether it arrived
            except WindowsAgentError as error:
                # Its folder is made by the task's first start.
                if error.code != "not-found" or time.monotonic() > until:
                    raise
                time.sleep(_POLL_S[-1])
            else:
                return call

    def answer(self, call: str, deadline: float) -> Answer | None:
        """Wait for the answer (None: it did not come); a task that ended just before is started again.

        Raises:
            WindowsAgentError: what the task's own process says.
        """
        begun, turn = time.monotonic(), 0
        while time.monotonic() < deadline:
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

    def withdraw(self, call: str) -> bool:
        """Take a request back that is too late; whether nobody had taken it yet."""
        self._host.until = time.monotonic() + START_S
        try:
            self._host.write(files.remove(self._path(request_name(call))), "withdrawing a request")
        except WindowsAgentError:
            return False
        return True

    def release(self, call: str) -> None:
        """End what a request holds: it runs for as long as its request is there."""
        self._host.until = time.monotonic() + START_S
        self._remove(request_name(call))

    def _start(self) -> None:
        self._host.attempt(tasks.start(TASK), "starting the owner's task (wslnet endpoint install --owner)")

    def _remove(self, name: str) -> None:
        self._host.attempt(files.remove(self._path(name)), f"removing {name}")

    def _path(self, name: str) -> str:
        return ntpath.join(self._profile or self._host.user_profile, OWNER_FOLDER, name)
