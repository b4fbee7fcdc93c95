"""The seam of all transports: a byte pipe to a process on a machine, every wait with a deadline.

Deadlines are points of `time.monotonic`, so that a peer that answers a byte at a time gains nothing.
"""

from __future__ import annotations

import time
from typing import Protocol


class Pipe(Protocol):
    """One bidirectional byte pipe. After an error it is of no more use."""

    def send(self, data: bytes, deadline: float) -> None:
        """Send all of it.

        Raises:
            DeadlineExceeded: the peer did not take it in time.
            Unreachable: the pipe is broken.
        """

    def recv(self, deadline: float) -> bytes:
        """Give what came, at least one byte; nothing only at the end.

        Raises:
            DeadlineExceeded: nothing came in time.
            Unreachable: the pipe is broken.
        """

    def close(self) -> None:
        """Let the process go. Never raises, may be called twice."""


def left(deadline: float) -> float:
    """Seconds until a deadline, never below zero."""
    return max(0.0, deadline - time.monotonic())


def after(seconds: float) -> float:
    """The deadline that many seconds from now."""
    return time.monotonic() + seconds
