"""Both sides of one PowerShell session as psrpcore sees it, with the turn-taking of psrp-facts 1. No I/O.

For each target one element is under way and the next one waits for its acknowledgement; a line that is sent
early can be lost for ever. Time comes in as an argument, bytes go out of `lines` and come into `feed`.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import psrpcore
from psrpcore.types import RunspacePoolState

from wslnet.transport.local_exchange import Exchange
from wslnet.transport.local_framing import POOL, DamagedLineError, Element, ElementReader, encode
from wslnet.transport.local_messages import UNREADABLE, MessageReader, PlainPool, Unreadable
from wslnet.transport.local_values import error_record, pipeline_of
from wslnet.transport.psrp_limits import LimitError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from wslnet_win_agent.send import Batch

_FRAGMENT = 32768
"""What PowerShell itself sends at most in one line (psrp-facts 2)."""


class ConversationError(Exception):
    """The other side breaks the rules, or says that it cannot go on: the session is over."""


class Conversation:
    """One runspace pool with its pipelines."""

    def __init__(self, runspaces: int) -> None:
        self._pool = PlainPool(max_runspaces=runspaces)
        self._reader = ElementReader()
        self._messages = MessageReader(self._pool)
        self._waiting: dict[UUID, deque[Element]] = {}
        self._under_way: dict[UUID, tuple[str, float]] = {}
        self._exchanges: dict[UUID, Exchange] = {}
        self.pool_closed = False

    @property
    def open(self) -> bool:
        """Whether the pool is open and nothing that concerns it is under way."""
        return self._pool.state == RunspacePoolState.Opened and POOL not in self._under_way

    def begin_open(self) -> None:
        """Ask for the pool."""
        self._pool.open()
        self._take_messages()

    def begin(self, batch: Batch) -> Exchange:
        """Ask for a pipeline."""
        pipeline = pipeline_of(self._pool, batch)
        exchange = self._exchanges[pipeline.pipeline_id] = Exchange(pipeline.pipeline_id)
        self._queue(Element("Command", exchange.target))
        pipeline.start()
        self._take_messages()
        return exchange

    def stop(self, exchange: Exchange) -> None:
        """Ask for the end of a pipeline that still runs."""
        self._queue(Element("Signal", exchange.target))

    def close(self, exchange: Exchange) -> None:
        """Say that a pipeline is done with; one that is not closed keeps the pool from closing."""
        if not exchange.closing:
            exchange.closing = True
            self._queue(Element("Close", exchange.target))

    def close_pool(self) -> None:
        """Say that nothing more will be asked."""
        self._queue(Element("Close"))

    def lines(self, now: float) -> bytes:
        """Give what may be sent now, each target's next element if nothing of it is under way."""
        ready = b""
        for target, elements in self._waiting.items():
            if elements and target not in self._under_way:
                element = elements.popleft()
                self._under_way[target] = (element.acknowledgement, now)
                if element.name == "Data" and target in self._exchanges:
                    self._exchanges[target].handed_over = True
                ready += encode(element)
        return ready

    def waiting_since(self) -> float | None:
        """When the oldest element was sent that has no acknowledgement yet."""
        return min((sent for _, sent in self._under_way.values()), default=None)

    def feed(self, data: bytes) -> None:
        """Take what came.

        Raises:
            ConversationError: it is against the rules, or the pool broke.
        """
        try:
            elements = self._reader.feed(data)
        except DamagedLineError as error:
            raise ConversationError(str(error)) from error
        for element in elements:
            if element.name == "Data":
                self._take_data(element)
            else:
                self._take_acknowledgement(element)

    def _queue(self, element: Element) -> None:
        self._waiting.setdefault(element.target, deque()).append(element)

    def _take_messages(self) -> None:
        while (payload := self._pool.data_to_send(_FRAGMENT)) is not None:
            self._queue(Element("Data", payload.pipeline_id or POOL, payload.data))

    def _take_acknowledgement(self, element: Element) -> None:
        due, _ = self._under_way.pop(element.target, ("nothing", 0.0))
        if due != element.name:
            raise ConversationError(f"{element.name} came where {due} was due")
        if element.name == "CloseAck":
            self._waiting.pop(element.target, None)
            self.pool_closed = self.pool_closed or element.target == POOL
            exchange = self._exchanges.pop(element.target, None)
            if exchange is not None:
                exchange.closed = True
                self._pool.pipeline_table.pop(element.target, None)

    def _read(self, element: Element) -> Iterator[psrpcore.PSRPEvent | Unreadable]:
        try:
            yield from self._messages.read(element)
        except LimitError as error:
            raise ConversationError(str(error)) from error

    def _take_data(self, element: Element) -> None:
        exchange = self._exchanges.get(element.target)
        for message in self._read(element):
            if isinstance(message, psrpcore.RunspacePoolStateEvent):
                _demand_unbroken(message)
            elif exchange is not None:
                _take_message(exchange, message)
            elif isinstance(message, Unreadable):
                raise ConversationError(f"a message that cannot be read: {message.reason}")


def _take_message(exchange: Exchange, message: psrpcore.PSRPEvent | Unreadable) -> None:
    try:
        exchange.take(message)
    except UNREADABLE as error:
        # An object that holds itself, a record that is none.
        exchange.take(Unreadable(str(error), isinstance(message, psrpcore.PipelineStateEvent)))


def _demand_unbroken(event: psrpcore.RunspacePoolStateEvent) -> None:
    if event.state == RunspacePoolState.Broken:
        try:
            reason = error_record(event.reason).message if event.reason else "no reason given"
        except UNREADABLE:
            reason = "a reason that cannot be read"
        raise ConversationError(f"the session broke: {reason}")
