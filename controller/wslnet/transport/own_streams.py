"""This process's own standard streams as a `Pipe`: how a child speaks that was started with them."""

from __future__ import annotations

import os
import queue
import threading
from typing import TYPE_CHECKING

from wslnet.errors import DeadlineExceeded, Unreachable
from wslnet.transport.pipe import left

if TYPE_CHECKING:
    from collections.abc import Callable

_PORTION = 1 << 16


class Handles:
    """A `Pipe` over a blocking read and a blocking write, which never run at the same time.

    A handle of Windows that is read and written by two threads would serve one after the other; requests and
    answers take turns, so a read is begun when it is waited for.
    """

    def __init__(
        self, name: str, read: Callable[[], bytes], write: Callable[[bytes], int], end: Callable[[], None]
    ) -> None:
        self._name = name
        self._read = read
        self._write = write
        self._end = end
        self._came: queue.SimpleQueue[bytes | OSError] = queue.SimpleQueue()
        self._reading = False

    def send(self, data: bytes, deadline: float) -> None:
        """As `Pipe.send`; the other side reads at once or is gone, so only the whole is bounded."""
        rest = data
        try:
            while rest and left(deadline) > 0:
                rest = rest[self._write(rest) :]
        except OSError as error:
            raise Unreachable(f"{self._name}: the pipe is broken: {error.strerror or error}") from error
        if rest:
            raise DeadlineExceeded(f"{self._name}: the other side did not take what was sent")

    def recv(self, deadline: float) -> bytes:
        """As `Pipe.recv`."""
        if not self._reading:
            self._reading = True
            threading.Thread(target=self._take, name=f"read {self._name}", daemon=True).start()
        try:
            came = self._came.get(timeout=left(deadline))
        except queue.Empty:
            raise DeadlineExceeded(f"{self._name}: nothing came in time") from None
        self._reading = False
        if isinstance(came, OSError):
            raise Unreachable(f"{self._name}: the pipe is broken: {came.strerror or came}") from came
        return came

    def close(self) -> None:
        """As `Pipe.close`."""
        self._end()

    def _take(self) -> None:
        try:
            self._came.put(self._read())
        except OSError as error:
            # A named pipe whose other side has gone says so instead of ending.
            self._came.put(b"" if isinstance(error, BrokenPipeError) else error)


class OwnStreams(Handles):
    """Standard input and output."""

    def __init__(self) -> None:
        super().__init__(
            "standard streams", lambda: os.read(0, _PORTION), lambda data: os.write(1, data), lambda: None
        )
