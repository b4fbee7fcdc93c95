"""A byte pipe to a process behind one SSH channel."""

from __future__ import annotations

import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from wslnet.errors import DeadlineExceeded, Unreachable
from wslnet.transport.pipe import left

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import paramiko

_PORTION = 1 << 16
_MOST_STDERR = 1 << 16


class SshPipe:
    """`Pipe` over a channel on which a command runs."""

    def __init__(self, channel: paramiko.Channel, machine: str) -> None:
        self._channel = channel
        self._machine = machine

    def send(self, data: bytes, deadline: float) -> None:
        """As `Pipe.send`."""
        rest = memoryview(data)
        while rest:
            self._channel.settimeout(max(left(deadline), 0.001))
            try:
                sent = self._channel.send(bytes(rest[:_PORTION]))
            except TimeoutError as error:
                raise self._late("did not take what was sent") from error
            except (OSError, EOFError) as error:
                raise Unreachable(f"{self._machine}: the connection broke", machine=self._machine) from error
            if not sent:
                raise Unreachable(f"{self._machine}: the connection was closed", machine=self._machine)
            rest = rest[sent:]

    def recv(self, deadline: float) -> bytes:
        """As `Pipe.recv`."""
        self._channel.settimeout(max(left(deadline), 0.001))
        try:
            return self._channel.recv(_PORTION)
        except TimeoutError as error:
            raise self._late("gave no answer in time") from error

    def close(self) -> None:
        """As `Pipe.close`."""
        # The connection beneath may be gone already, and then there is nobody to tell.
        with suppress(EOFError, OSError):
            self._channel.close()

    def stderr(self) -> bytes:
        """What the process has said on its error stream since the last call, without waiting."""
        said = b""
        while self._channel.recv_stderr_ready() and len(said) < _MOST_STDERR:
            said += self._channel.recv_stderr(_PORTION)
        return said

    def exit_status(self, deadline: float) -> int | None:
        """The exit status; None if it does not come in time or never will."""
        if not self._channel.status_event.wait(left(deadline)):
            return None
        return self._channel.exit_status if self._channel.exit_status >= 0 else None

    def _late(self, what: str) -> DeadlineExceeded:
        return DeadlineExceeded(f"{self._machine}: it {what}", machine=self._machine)


@contextmanager
def cut_off(deadline: float, close: Callable[[], None]) -> Iterator[None]:
    """Call `close` if the body is not done by the deadline: for paramiko's waits that know no time-out."""

    def cut() -> None:
        # The connection beneath may go first; the body finds that out by itself.
        with suppress(EOFError, OSError):
            close()

    timer = threading.Timer(left(deadline), cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
