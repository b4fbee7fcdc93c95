"""Fragments in, psrpcore's events out; what psrpcore cannot read comes out too, as what it was. No I/O."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import psrpcore
from psrpcore.types import PSRPMessageType

from wslnet.transport.psrp_limits import MOST_BYTES, LimitError, demand_plain_xml

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from wslnet.transport.local_framing import Element

_HEADER = struct.Struct(">QQBI")
_KIND = struct.Struct("<iI")
_LAST = 2
UNREADABLE = (
    psrpcore.PSRPCoreError,
    ET.ParseError,
    ValueError,
    LookupError,
    AttributeError,
    TypeError,
    struct.error,
    RecursionError,
    ArithmeticError,
)
"""What psrpcore raises for a message that it cannot read, such as text with U+FFFE (psrp-facts 5)."""


_NOISE = frozenset(
    {
        PSRPMessageType.DebugRecord,
        PSRPMessageType.InformationRecord,
        PSRPMessageType.ProgressRecord,
        PSRPMessageType.VerboseRecord,
        PSRPMessageType.WarningRecord,
    }
)
"""What is not listened to, so it need not be readable."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A message that could not be read; `is_end` if it was a pipeline's final state."""

    reason: str
    is_end: bool


class PlainPool(psrpcore.ClientRunspacePool):  # type: ignore[misc]  # psrpcore is untyped here
    """psrpcore's pool; looks through a message before it reads it."""

    def _process_message(self, message: Any) -> psrpcore.PSRPEvent:  # noqa: ANN401 - psrpcore's own
        demand_plain_xml(bytes(message.data))
        return super()._process_message(message)


class MessageReader:
    """Reads what a pool and its pipelines say."""

    def __init__(self, pool: psrpcore.ClientRunspacePool) -> None:
        self._pool = pool
        self._kinds: dict[UUID, int] = {}
        self._taken: dict[UUID, int] = {}
        self._next: dict[int, int] = {}

    def read(self, element: Element) -> Iterator[psrpcore.PSRPEvent | Unreadable]:
        """Give the messages that an element's fragments complete.

        Raises:
            LimitError: its fragments are damaged or one is missing, or more came for one target than any
                honest answer has.
        """
        self._check_fragments(element.data)
        self._taken[element.target] = self._taken.get(element.target, 0) + len(element.data)
        if self._taken[element.target] > MOST_BYTES:
            raise LimitError("more than PowerShell has to say")
        self._remember_kind(element)
        payload = psrpcore.PSRPPayload(element.data, psrpcore.StreamType.default, element.target)
        self._pool.receive_data(payload)
        while True:
            try:
                event = self._pool.next_event()
            except UNREADABLE as error:
                kind = self._kinds.get(element.target)
                if kind not in _NOISE:
                    yield Unreadable(str(error), kind == PSRPMessageType.PipelineState)
                continue
            if event is None:
                return
            yield event

    def _remember_kind(self, element: Element) -> None:
        """Keep the type of the message that begins here: psrpcore loses it with one it cannot read."""
        head = _HEADER.size + _KIND.size
        if len(element.data) >= head and element.data[16] & 1:
            _, self._kinds[element.target] = _KIND.unpack_from(element.data, _HEADER.size)

    def _check_fragments(self, data: bytes) -> None:
        """Half a fragment would be read as a whole one, half a header for ever, a gap gone over."""
        at = 0
        while at < len(data):
            if len(data) - at < _HEADER.size:
                raise LimitError("a fragment that is cut")
            message, number, flags, size = _HEADER.unpack_from(data, at)
            if number != self._next.pop(message, 0):
                raise LimitError("fragments of which one is missing")
            if not flags & _LAST:
                self._next[message] = number + 1
            at += _HEADER.size + size
        if at != len(data):
            raise LimitError("a fragment that is cut")
