"""A Windows whose only drive is its owner's folder, with the owner's task served in this process."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from wslnet.app.boot_call import serve_calls
from wslnet_win_agent.boot.call_files import TASK
from wslnet_win_agent.bridge import Bridge, ErrorRecord, Reply, WindowsObject
from wslnet_win_agent.native import NativeResult

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from wslnet.errors import WslnetError
    from wslnet_win_agent.errors import WindowsAgentError
    from wslnet_win_agent.send import Batch

WSL = "C:\\Program Files\\WSL\\wsl.exe"
FILE = ("System.IO.FileInfo",)


class Programs:
    """A runner that notes what it was asked; `slow` programs end when they are let go."""

    def __init__(
        self, *, exit_code: int = 0, stdout: bytes = b"\xffout", error: WindowsAgentError | None = None
    ) -> None:
        self.asked: list[tuple[str, ...]] = []
        self.given = b""
        self.closed = threading.Event()
        self._exit_code = exit_code
        self._stdout = stdout
        self._error = error

    def run(self, argv: Sequence[str], *, timeout_s: float, stdin: bytes = b"", changes: bool = False) -> Any:
        del timeout_s, changes
        self.asked.append(tuple(argv))
        self.given += stdin
        if self._error is not None:
            raise self._error
        return NativeResult(self._exit_code, self._stdout, b"err")

    def hold(self, argv: Sequence[str]) -> None:
        self.asked.append(("held", *argv))

    def close(self) -> None:
        self.closed.set()


class FolderBridge(Bridge):
    """A Windows whose only drive is the owner's folder, with a task that serves it once it is started."""

    def __init__(self, folder: Path, programs: Programs, *, task: bool = True) -> None:
        self.folder, self.programs, self.task = folder, programs, task
        self.starts = 0
        self.ignored_starts = 0
        self.probed: list[float] = []
        self.in_the_way: WslnetError | None = None
        self._serving: list[threading.Thread] = []

    def deliver(self, batch: Batch, *, deadline_s: float) -> Reply:
        del deadline_s
        replies = [self._one(each.cmdlet, dict(each.parameters)) for each in batch.statements]
        errors = tuple(error for each in replies for error in each.errors)
        state = "Failed" if batch.writes and errors else "Completed"
        return Reply(tuple(row for each in replies for row in each.outputs), errors, state)

    def probe(self, deadline_s: float) -> None:
        """The session over loopback that the task's process opens when it is asked to."""
        self.probed.append(deadline_s)
        if self.in_the_way is not None:
            raise self.in_the_way

    def close(self) -> None:
        for thread in self._serving:
            thread.join(10)

    def _one(self, cmdlet: str, own: dict[str, Any]) -> Reply:
        if cmdlet == "Start-ScheduledTask":
            return self._start()
        if cmdlet == "Get-ScheduledTask":
            row = WindowsObject((".CimInstance#MSFT_ScheduledTask",), {"TaskName": TASK, "State": 3})
            return Reply((row,)) if self.task else _absent()
        name = own["LiteralPath"][0].rpartition("\\")[2]
        if name == "Env:" or name.endswith("USERPROFILE"):
            return Reply((WindowsObject(value=None, raw={"Value": "C:\\Users\\anna"}),))
        return self._file(cmdlet, self.folder / name, own)

    def _file(self, cmdlet: str, path: Path, own: dict[str, Any]) -> Reply:
        try:
            if cmdlet == "Set-Content":
                path.write_bytes(own["Value"])
            elif cmdlet == "Remove-Item":
                path.unlink()
            elif cmdlet == "Get-Item":
                return Reply((WindowsObject(FILE, {"Length": path.stat().st_size}),))
            else:
                return Reply((WindowsObject(value=path.read_bytes()),))
        except FileNotFoundError:
            return _absent()
        return Reply()

    def _start(self) -> Reply:
        self.starts += 1
        if not self.task:
            return _absent()
        if self.starts > self.ignored_starts and not any(each.is_alive() for each in self._serving):
            thread = threading.Thread(
                target=serve_calls,
                args=(self.folder, lambda: self.programs, self.probe),
                kwargs={"idle_s": 0.3},
            )
            self._serving.append(thread)
            thread.start()
        return Reply()


def _absent() -> Reply:
    return Reply((), (ErrorRecord("ItemNotFound,X", "ObjectNotFound", "no such thing"),))
