"""A byte pipe to the standard streams of a child process on this machine, every wait with a deadline.

One thread a stream, since pipes know no time-outs on Windows. The error stream is always drained, so that a
talkative child never stalls; its last words are kept for messages.
"""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import threading
from contextlib import suppress
from typing import IO, TYPE_CHECKING

from wslnet.errors import DeadlineExceeded, Unreachable
from wslnet.transport.agent_text import clean_line
from wslnet.transport.pipe import after, left

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

END_GRACE_S = 2.0
_PORTION = 1 << 16
_MOST_STDERR = 1 << 16
_KILL_WAIT_S = 5.0
_LAST_WORDS_S = 1.0
_NO_WINDOW = getattr(subprocess, "CREATE_NO_WINDOW", 0)


class ChildPipe:
    """`Pipe` to a child. One thread at a time."""

    def __init__(self, argv: Sequence[str], machine: str, variables: Mapping[str, str] | None = None) -> None:
        """Start `argv` with `variables` added to this process's environment.

        Raises:
            OSError: it cannot be started.
        """
        self._machine = machine
        self._name = argv[0].replace("\\", "/").rpartition("/")[2]
        self._child = subprocess.Popen(
            list(argv),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            env={**os.environ, **(variables or {})},
            creationflags=_NO_WINDOW if sys.platform == "win32" else 0,
            # The user's Ctrl-C is this program's to handle: a child in mid-write goes on.
            start_new_session=True,
        )
        self._came: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._going: queue.SimpleQueue[tuple[bytes, threading.Event] | None] = queue.SimpleQueue()
        self._ended = False
        self._broken = False
        self._said = bytearray()
        self._threads = [self._thread(act) for act in (self._read, self._listen, self._write)]

    @property
    def alive(self) -> bool:
        """Whether the child still runs."""
        return self._child.poll() is None

    def send(self, data: bytes, deadline: float) -> None:
        """As `Pipe.send`."""
        done = threading.Event()
        self._going.put((data, done))
        if not done.wait(left(deadline)):
            raise DeadlineExceeded(
                f"{self._machine}: {self._name} did not take what was sent", machine=self._machine
            )
        if self._broken:
            raise self.ended_early()

    def end_input(self) -> None:
        """Close its standard input once all that was sent has gone."""
        self._going.put(None)

    def recv(self, deadline: float) -> bytes:
        """As `Pipe.recv`."""
        if self._ended:
            return b""
        try:
            data = self._came.get(timeout=left(deadline)) if left(deadline) else self._came.get_nowait()
        except queue.Empty:
            raise DeadlineExceeded(
                f"{self._machine}: {self._name} gave no answer in time", machine=self._machine
            ) from None
        self._ended = not data
        return data

    def stderr(self) -> bytes:
        """What it has said on its error stream since the last call, without waiting."""
        said = bytes(self._said)
        del self._said[: len(said)]
        return said

    def exit_status(self, deadline: float) -> int | None:
        """The exit code; None if it does not end in time. All that it said has been read then."""
        try:
            code = self._child.wait(left(deadline))
        except subprocess.TimeoutExpired:
            return None
        for thread in self._threads[:2]:
            thread.join(left(deadline))
        return code

    def ended_early(self) -> Unreachable:
        """The error that says that the child is gone, with its exit code and last words."""
        code = self.exit_status(after(END_GRACE_S))
        lines = [line.strip() for line in self.stderr().decode("utf-8", "replace").splitlines()]
        words = next((clean_line(line)[:300] for line in reversed(lines) if line), "")
        text = f"{self._machine}: {self._name} ended"
        text += f" (exit code {code})" if code is not None else ""
        return Unreachable(text + (f": {words}" if words else ""), machine=self._machine)

    def close(self, grace_s: float = END_GRACE_S) -> None:
        """As `Pipe.close`; a child that does not end with its input is killed after `grace_s` seconds."""
        self.end_input()
        try:
            self._child.wait(grace_s)
        except subprocess.TimeoutExpired:
            self._child.kill()
            # One that survives even this is the system's to end; its pipes are daemons' business.
            with suppress(subprocess.TimeoutExpired):
                self._child.wait(_KILL_WAIT_S)
        # A grandchild may hold a stream: whoever reads it closes it, now or when that has gone too.
        for thread in self._threads[:2]:
            thread.join(_LAST_WORDS_S)

    def _thread(self, act: Callable[[], None]) -> threading.Thread:
        thread = threading.Thread(target=act, name=f"{self._name} {act.__name__}", daemon=True)
        thread.start()
        return thread

    def _read(self) -> None:
        for data in _portions(self._child.stdout):
            self._came.put(data)
        self._came.put(b"")

    def _listen(self) -> None:
        for data in _portions(self._child.stderr):
            self._said += data
            del self._said[:-_MOST_STDERR]

    def _write(self) -> None:
        stdin = self._child.stdin
        if stdin is None:
            return
        while (item := self._going.get()) is not None:
            data, done = item
            rest = memoryview(data)
            try:
                while rest and not self._broken:
                    rest = rest[stdin.write(rest) :]
            except OSError:
                self._broken = True
            done.set()
        # A child that is gone already has nobody to be told.
        with suppress(OSError):
            stdin.close()


def _portions(stream: IO[bytes] | None) -> Iterator[bytes]:
    """All that comes until the end, which a broken pipe is too; closes the stream then."""
    if stream is None:
        return
    # The end of a pipe that its other side has torn is no news either.
    with stream, suppress(OSError):
        while data := stream.read(_PORTION):
            yield data
