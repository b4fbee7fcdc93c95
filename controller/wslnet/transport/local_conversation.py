"""Both sides of one PowerShell session as psrpcore sees it, with the turn-taking of psrp-facts 1. No I/O.

For each target one element is under way and the next one waits for its acknowledgement; a line that is sent
early can be lost for ever. Time comes in as an argument, bytes go out of `lines` and come into `feed`.
"""

from __future__ import annotations

import struct
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import psrpcore
from psrpcore.types import PSRPMessageType, RunspacePoolState

from wslnet.transport.local_framing import POOL, DamagedLineError, Element, ElementReader, encode
from wslnet.transport.local_values import error_record, pipeline_of, windows_object
from wslnet.transport.psrp_names import STATES
from wslnet_win_agent.bridge import ErrorRecord, Reply

if TYPE_CHECKING:
    from uuid import UUID

    from wslnet_win_agent.bridge import WindowsObject
    from wslnet_win_agent.send import Batch

_FRAGMENT = 32768
"""What PowerShell itself sends at most in one line (psrp-facts 2)."""

_HEADER = struct.Struct(">QQBI")
_KIND = struct.Struct("<iI")
_UNREADABLE = (
    psrpcore.PSRPCoreError,
    ET.ParseError,
    ValueError,
    LookupError,
    AttributeError,
    TypeError,
    struct.error,
)
"""What psrpcore raises for a message that it cannot read, such as text with U+FFFE (psrp-facts 5)."""


class ConversationError(Exception):
    """The other side breaks the rules, or says that it cannot go on: the session is over."""


@dataclass
class Exchange:
    """One pipeline: what came of it so far.

    Attributes:
        handed_over: the commands have been sent, so they may have run.
        state: how it ended, None before.
        closed: its `Close` has been acknowledged.
    """

    target: UUID
    outputs: list[WindowsObject] = field(default_factory=list)
    errors: list[ErrorRecord] = field(default_factory=list)
    state: str | None = None
    handed_over: bool = False
    closing: bool = False
    closed: bool = False
    unreadable: bool = False

    @property
    def ended(self) -> bool:
        """Whether it came to an end of its own."""
        return self.state not in (None, "Stopped")

    def reply(self, elapsed_s: float) -> Reply:
        """The outcome; a pipeline of which something could not be read counts as failed."""
        state = "Failed" if self.unreadable or self.state is None else self.state
        return Reply(tuple(self.outputs), tuple(self.errors), state, elapsed_s)


class Conversation:
    """One runspace pool with its pipelines."""

    def __init__(self, runspaces: int) -> None:
        self._pool = psrpcore.ClientRunspacePool(max_runspaces=runspaces)
        self._reader = ElementReader()
        self._waiting: dict[UUID, deque[Element]] = {}
        self._under_way: dict[UUID, tuple[str, float]] = {}
        self._exchanges: dict[UUID, Exchange] = {}
        self._kinds: dict[UUID, int] = {}
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

    def _take_data(self, element: Element) -> None:
        self._remember_kind(element)
        exchange = self._exchanges.get(element.target)
        self._pool.receive_data(
            psrpcore.PSRPPayload(element.data, psrpcore.StreamType.default, element.target)
        )
        while True:
            try:
                event = self._pool.next_event()
            except _UNREADABLE as error:
                self._note_unreadable(element.target, exchange, error)
                continue
            if event is None:
                return
            self._take_event(event, exchange)

    def _take_event(self, event: psrpcore.PSRPEvent, exchange: Exchange | None) -> None:
        if isinstance(event, psrpcore.RunspacePoolStateEvent):
            if event.state == RunspacePoolState.Broken:
                reason = error_record(event.reason).message if event.reason else "no reason given"
                raise ConversationError(f"the session broke: {reason}")
        elif exchange is None:
            return
        elif isinstance(event, psrpcore.PipelineOutputEvent):
            exchange.outputs.append(windows_object(event.data))
        elif isinstance(event, psrpcore.ErrorRecordEvent):
            exchange.errors.append(error_record(event.record))
        elif isinstance(event, psrpcore.PipelineStateEvent):
            exchange.state = STATES.get(int(event.state))
            # A terminating error is nowhere else (psrp-facts 1.7).
            if event.reason is not None:
                exchange.errors.append(error_record(event.reason))

    def _remember_kind(self, element: Element) -> None:
        """Keep the type of the message that begins here: psrpcore loses it with one it cannot read."""
        head = _HEADER.size + _KIND.size
        if len(element.data) >= head and element.data[16] & 1:
            _, self._kinds[element.target] = _KIND.unpack_from(element.data, _HEADER.size)

    def _note_unreadable(self, target: UUID, exchange: Exchange | None, error: Exception) -> None:
        if exchange is None:
            raise ConversationError(f"a message that cannot be read: {error}") from error
        exchange.unreadable = True
        text = f"what the command gave cannot be read: {error}"
        exchange.errors.append(ErrorRecord("WslnetUnreadableMessage", "InvalidData", text))
        if self._kinds.get(target) == PSRPMessageType.PipelineState:
            exchange.state = exchange.state or "Failed"
