"""What waits for a client's next Receive, for one shell or one command."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class Chunk:
    """Bytes of one stream; `apart` chunks open a Receive of their own."""

    stream: str
    data: bytes
    apart: bool = False


@dataclass(frozen=True, slots=True)
class Delivery:
    """The content of one ReceiveResponse; `done` with the last one, and the exit code of a program."""

    chunks: tuple[Chunk, ...]
    done: bool = False
    exit_code: int | None = None


class Outbox:
    """A queue between the thread that runs a command and those that answer Receives."""

    def __init__(self) -> None:
        """Starts empty."""
        self._chunks: deque[Chunk] = deque()
        self._changed = threading.Condition()
        self._done = False
        self._gone = False
        self._exit_code: int | None = None

    def put(self, chunks: Iterable[Chunk]) -> None:
        """Adds chunks in order."""
        with self._changed:
            self._chunks.extend(chunks)
            self._changed.notify_all()

    def finish(self, chunks: Iterable[Chunk] = (), exit_code: int | None = None) -> None:
        """Adds the last chunks; the Receive that takes them also learns that the command is done."""
        with self._changed:
            self._chunks.extend(chunks)
            self._done, self._exit_code = True, exit_code
            self._changed.notify_all()

    def discard(self) -> None:
        """The command is gone: Receives that wait return nothing at once."""
        with self._changed:
            self._gone = True
            self._changed.notify_all()

    def wait_done(self, timeout_s: float) -> bool:
        """Whether the command was done within the time."""
        with self._changed:
            return self._changed.wait_for(lambda: self._done or self._gone, timeout_s)

    @property
    def gone(self) -> bool:
        """Whether the command was discarded."""
        return self._gone

    def take(self, *, limit: int, timeout_s: float, single: bool = False) -> Delivery | None:
        """The next delivery of at most `limit` bytes (one chunk at least), or None when the time is up.

        With `single`, one chunk at a time. A delivery that says `done` is given once.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: self._chunks or self._done or self._gone, timeout_s):
                return None
            taken: list[Chunk] = []
            size = 0
            while self._chunks and (not taken or (not single and self._fits(size, limit))):
                chunk = self._chunks.popleft()
                taken.append(chunk)
                size += len(chunk.data)
            done = self._done and not self._chunks
            return Delivery(tuple(taken), done, self._exit_code if done else None)

    def _fits(self, size: int, limit: int) -> bool:
        head = self._chunks[0]
        return not head.apart and size + len(head.data) <= limit
