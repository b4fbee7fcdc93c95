"""Native programs of this very machine (`wsl.exe`), by argument vector: nothing is joined to a command line.

The same promises as over WinRS: a deadline, all output, and `DeliveryUnknown` for a change whose end was not
seen. Where a program is found is decided here too.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import PureWindowsPath
from typing import TYPE_CHECKING

from wslnet.errors import DeadlineExceeded, Unreachable
from wslnet.transport.child_pipe import ChildPipe
from wslnet.transport.pipe import after
from wslnet_win_agent.errors import DeliveryUnknown, WindowsAgentError
from wslnet_win_agent.native import NativeResult

if TYPE_CHECKING:
    from collections.abc import Sequence

VARIABLES = {"WSL_UTF8": "1"}
"""What every program gets beside this process's environment: wsl.exe writes UTF-8 with it."""

_NOT_FOUND = NativeResult(1, b"", b"there is no such program\r\n")
"""What a missing program gives over WinRS too: 1, and words of no importance."""

_POWERSHELL = r"System32\WindowsPowerShell\v1.0\powershell.exe"
_UNSIGNED = 0xFFFFFFFF


def find_program(path: str) -> str | None:
    """Give what to start for a program of Windows named by its full path; None if it is not there.

    Off Windows, where such a path means nothing, it is the program of that name on PATH.
    """
    if sys.platform == "win32" and os.path.isfile(path):  # noqa: PTH113 - a Windows path, compared nowhere
        return path
    return shutil.which(PureWindowsPath(path).name)


def find_powershell() -> str | None:
    """Give Windows' own PowerShell; None where there is none."""
    return find_program(rf"{os.environ.get('SYSTEMROOT', '')}\{_POWERSHELL}")


class LocalNative:
    """Runs native programs on this machine. One thread at a time."""

    def __init__(self, machine: str) -> None:
        self._machine = machine
        self._held: list[ChildPipe] = []

    def run(
        self, argv: Sequence[str], *, timeout_s: float, stdin: bytes = b"", changes: bool = False
    ) -> NativeResult:
        """Run `argv` and wait for its end; see `NativeRunner`."""
        deadline = after(timeout_s)
        child = self._start(argv)
        if child is None:
            return _NOT_FOUND
        stdout = b""
        try:
            if stdin:
                child.send(stdin, deadline)
            child.end_input()
            while data := child.recv(deadline):
                stdout += data
            code = child.exit_status(deadline)
        except DeadlineExceeded:
            code = None
        except Unreachable:
            # It ended without reading its input; what it said and its exit code count.
            code = child.exit_status(deadline)
        finally:
            child.close(0.0)
        if code is not None:
            return NativeResult(code & _UNSIGNED, stdout, child.stderr())
        text = f"{self._machine}: {argv[0]} did not end in time"
        raise DeliveryUnknown(text) if changes else WindowsAgentError("timed-out", text)

    def hold(self, argv: Sequence[str]) -> None:
        """Start `argv` and leave it running until `close`; see `NativeRunner`."""
        child = self._start(argv)
        if child is None:
            raise WindowsAgentError("tool-missing", f"{self._machine}: there is no {argv[0]}")
        self._held.append(child)

    def close(self) -> None:
        """End what is held; safe to call twice."""
        while self._held:
            self._held.pop().close(0.0)

    def _start(self, argv: Sequence[str]) -> ChildPipe | None:
        program = find_program(argv[0])
        if program is None:
            return None
        try:
            return ChildPipe((program, *argv[1:]), self._machine, VARIABLES)
        except OSError as error:
            text = f"{self._machine}: {program} does not start: {error.strerror or error}"
            raise WindowsAgentError("not-permitted", text) from error
