"""A connection to a nested machine that a process passes on, as paramiko wants to see it: like a socket."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet.errors import DeadlineExceeded, Unreachable
from wslnet.transport.pipe import after

if TYPE_CHECKING:
    from wslnet.transport.child_pipe import ChildPipe

_LONG_S = 3600.0


class Tunnel:
    """What paramiko needs of a socket, over a process that passes bytes on."""

    def __init__(self, pipe: ChildPipe, first: bytes) -> None:
        """Takes the pipe and what came through it already."""
        self._pipe = pipe
        self._came = first
        self._timeout_s: float | None = None
        self._closed = False  # looked at by paramiko, as in every socket

    def settimeout(self, seconds: float | None) -> None:
        """As of a socket."""
        self._timeout_s = seconds

    def recv(self, size: int) -> bytes:
        """As of a socket: nothing at the end.

        Raises:
            TimeoutError: nothing came in time.
        """
        if not self._came:
            try:
                self._came = self._pipe.recv(self._until())
            except DeadlineExceeded as error:
                raise TimeoutError from error
        data, self._came = self._came[:size], self._came[size:]
        return data

    def send(self, data: bytes) -> int:
        """As of a socket; takes all of it.

        Raises:
            TimeoutError: the process did not take it in time.
            OSError: the process is gone.
        """
        try:
            self._pipe.send(data, self._until())
        except DeadlineExceeded as error:
            raise TimeoutError from error
        except Unreachable as error:
            raise OSError(error.message) from error
        return len(data)

    def close(self) -> None:
        """As of a socket."""
        self._closed = True
        self._pipe.close(0.0)

    def _until(self) -> float:
        return after(_LONG_S if self._timeout_s is None else self._timeout_s)
