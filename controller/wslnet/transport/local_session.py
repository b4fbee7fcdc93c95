"""One runspace pool in a child `powershell.exe`: a `Conversation` driven over a `Pipe`, with deadlines.

After any error the session is over: `alive` is false and the child is to be dropped. Nothing is sent twice.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wslnet.errors import DeadlineExceeded, Unreachable
from wslnet.transport.agent_text import clean_line
from wslnet.transport.local_conversation import Conversation, ConversationError
from wslnet.transport.pipe import after

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from wslnet.transport.child_pipe import ChildPipe
    from wslnet.transport.local_exchange import Exchange
    from wslnet_win_agent.send import Batch

RUNSPACES = 4
_LONGEST = 300


@dataclass(frozen=True, slots=True)
class Patience:
    """How long PowerShell may take, in seconds.

    Attributes:
        open_s: until the pool is open; a version mismatch shows as silence (psrp-facts 1.3).
        acknowledge_s: for each acknowledgement.
        stop_s: for a pipeline that was asked to stop, and for the end of the session.
    """

    open_s: float = 30.0
    acknowledge_s: float = 10.0
    stop_s: float = 3.0


class LocalSession:
    """One pool in one child. One thread at a time."""

    def __init__(self, machine: str, child: ChildPipe, patience: Patience) -> None:
        self._machine = machine
        self._child = child
        self._patience = patience
        self._conversation = Conversation(RUNSPACES)
        self._lost = False

    @property
    def alive(self) -> bool:
        """Whether it can be asked once more."""
        return not self._lost and self._child.alive

    def open(self, deadline: float) -> None:
        """Open the pool.

        Raises:
            Unreachable: the child ended, or does not open one in time.
        """
        self._conversation.begin_open()
        self._drive(lambda: self._conversation.open, min(deadline, after(self._patience.open_s)))

    def begin(self, batch: Batch) -> Exchange:
        """Put a pipeline up for sending."""
        return self._conversation.begin(batch)

    def finish(self, exchanges: Sequence[Exchange], deadline: float) -> None:
        """Wait for the ends of pipelines and close each; those that are too late are stopped.

        Raises:
            Unreachable: the session was lost before all of them had ended.
        """
        try:
            self._drive(lambda: self._close_ended(exchanges), deadline, in_time=False)
            late = [each for each in exchanges if each.state is None]
            for each in late:
                self._conversation.stop(each)
            if not self._close_ended(exchanges):
                self._drive(lambda: self._close_ended(exchanges), after(self._patience.stop_s))
        except Unreachable:
            self._lost = True
            # What has ended has ended, whatever became of the child while it was being closed.
            if any(each.state is None for each in exchanges) and time.monotonic() < deadline:
                raise
        except BaseException:
            self._lost = True
            raise

    def close(self) -> None:
        """End the session and the child; never raises."""
        if self.alive and self._conversation.open:
            self._conversation.close_pool()
            try:
                self._drive(lambda: self._conversation.pool_closed, after(self._patience.stop_s))
            except Unreachable:
                self._lost = True
        self._child.close(0.0 if self._lost else self._patience.stop_s)

    def _close_ended(self, exchanges: Sequence[Exchange]) -> bool:
        """Close what has ended; whether all of them are closed now."""
        for each in exchanges:
            if each.state is not None:
                self._conversation.close(each)
        return all(each.closed for each in exchanges)

    def _drive(self, done: Callable[[], bool], deadline: float, *, in_time: bool = True) -> None:
        """Send what may be sent and take what comes, until `done` or, unless `in_time`, the deadline."""
        conversation = self._conversation
        while not done():
            try:
                if lines := conversation.lines(time.monotonic()):
                    self._child.send(lines, after(self._patience.acknowledge_s))
                since = conversation.waiting_since()
                due = deadline if since is None else min(deadline, since + self._patience.acknowledge_s)
                data = self._child.recv(due)
                if not data:
                    raise self._child.ended_early()
                conversation.feed(data)
            except DeadlineExceeded as error:
                if time.monotonic() >= deadline and not in_time:
                    return
                self._lost = True
                text = f"{self._machine}: Windows' own PowerShell does not answer in time"
                raise DeadlineExceeded(text, machine=self._machine) from error
            except Unreachable:
                self._lost = True
                raise
            except ConversationError as error:
                self._lost = True
                breach = clean_line(str(error))[:_LONGEST]
                text = f"{self._machine}: Windows' own PowerShell does not keep to its protocol: {breach}"
                raise Unreachable(text, machine=self._machine) from error
