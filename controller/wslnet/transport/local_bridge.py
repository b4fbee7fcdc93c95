"""The `local` bridge: typed calls as pipelines of a child `powershell.exe` on this very machine (psrp-facts).

The child starts with the first call and stays for the next ones; a lost one is replaced. Reads that it took
with it are asked once more; a write whose answer was lost is `DeliveryUnknown`, and its op reads back.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from wslnet.errors import DeadlineExceeded, Unreachable
from wslnet.transport.child_pipe import ChildPipe
from wslnet.transport.library_logs import mute
from wslnet.transport.local_session import LocalSession, Patience
from wslnet.transport.pipe import after
from wslnet_win_agent.bridge import Bridge, Reply
from wslnet_win_agent.errors import DeliveryUnknown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wslnet.transport.local_exchange import Exchange
    from wslnet_win_agent.send import Batch

SWITCHES = ("-s", "-NoLogo", "-NoProfile")
"""In the order that PowerShell's own jobs use, which both editions know (psrp-facts 4)."""


class LostChild(Exception):
    """The child went away under calls that may be made again."""

    def __init__(self, error: Unreachable) -> None:
        super().__init__(error.message)
        self.error = error


class LocalBridge(Bridge):
    """A bridge to the PowerShell of this machine; its child is started by the first call."""

    def __init__(self, machine: str, program: Sequence[str], patience: Patience | None = None) -> None:
        """Takes the machine's name for messages, and the program with what comes before its switches."""
        mute("psrpcore")
        self._machine = machine
        self._argv = (*program, *SWITCHES)
        self._patience = patience or Patience()
        self._session: LocalSession | None = None

    def deliver(self, batch: Batch, *, deadline_s: float) -> Reply:
        """Carry one batch as one pipeline.

        Raises:
            Unreachable: PowerShell does not start, ended, or gave no answer in time (for reads).
            DeliveryUnknown: a write was handed over and its outcome is not known.
        """
        begun = time.monotonic()
        (exchange,) = self._carry((batch,), deadline_s)
        if exchange.unreadable and batch.writes:
            raise DeliveryUnknown(f"{self._machine}: what the command answered cannot be read")
        if exchange.ended:
            return exchange.reply(time.monotonic() - begun)
        text = f"{self._machine}: the command did not end in time and was stopped"
        if batch.writes and exchange.handed_over:
            raise DeliveryUnknown(text)
        raise DeadlineExceeded(text, machine=self._machine)

    def deliver_each(self, batches: Sequence[Batch], *, deadline_s: float) -> tuple[Reply, ...]:
        """Carry several reads side by side; one that does not end in time is `Stopped`."""
        begun = time.monotonic()
        exchanges = self._carry(batches, deadline_s)
        elapsed_s = time.monotonic() - begun
        return tuple(each.reply(elapsed_s) if each.ended else Reply(state="Stopped") for each in exchanges)

    def close(self) -> None:
        """End the child."""
        session, self._session = self._session, None
        if session is not None:
            session.close()

    def _carry(self, batches: Sequence[Batch], deadline_s: float) -> list[Exchange]:
        """Carry batches, a second time where that cannot do a thing twice."""
        deadline = after(deadline_s)
        try:
            return self._attempt(batches, self._opened(deadline), deadline)
        except LostChild as lost:
            if time.monotonic() >= deadline:
                raise lost.error from lost
            return self._again(batches, deadline)

    def _again(self, batches: Sequence[Batch], deadline: float) -> list[Exchange]:
        try:
            return self._attempt(batches, self._opened(deadline), deadline)
        except LostChild as lost:
            raise lost.error from lost

    def _attempt(self, batches: Sequence[Batch], session: LocalSession, deadline: float) -> list[Exchange]:
        exchanges = [session.begin(each) for each in batches]
        try:
            session.finish(exchanges, deadline)
        except Unreachable as error:
            if any(each.writes for each in batches) and any(each.handed_over for each in exchanges):
                raise DeliveryUnknown(error.message) from error
            if isinstance(error, DeadlineExceeded):
                raise
            raise LostChild(error) from error
        finally:
            if not session.alive:
                self.close()
        return exchanges

    def _opened(self, deadline: float) -> LocalSession:
        if self._session is not None and self._session.alive:
            return self._session
        self.close()
        try:
            child = ChildPipe(self._argv, self._machine)
        except OSError as error:
            text = f"{self._machine}: {self._argv[0]} does not start: {error.strerror or error}"
            raise Unreachable(text, machine=self._machine) from error
        session = LocalSession(self._machine, child, self._patience)
        try:
            session.open(deadline)
        except BaseException:
            session.close()
            raise
        self._session = session
        return session
