"""`powershell.exe -s`: a runspace pool spoken over two streams, as the real engine does (psrp-facts 1 to 3).

The same pool and engine as behind WS-Management; here are the lines, the acknowledgements and their order,
and what ends the process at once.
"""

from __future__ import annotations

import base64
import binascii
import os
import threading
from typing import TYPE_CHECKING
from uuid import UUID
from xml.etree import ElementTree as ET

from wslnet_lab.host.wire.fragments import ZERO_ID
from wslnet_lab.host.wire.runspaces import MessageError, Runspaces

if TYPE_CHECKING:
    from collections.abc import Callable

    from wslnet_lab.attached import Streams
    from wslnet_lab.host.wire.outbox import Chunk
    from wslnet_lab.host.wire.pipeline import Pipeline
    from wslnet_lab.host.wire.settings import Settings

PROTOCOL_EXIT = 4000
"""What the engine ends with on a line that it does not know, and on the end of its input (psrp-facts 1.4)."""

_FOR_EVER_S = 86400.0
_STOP_WAIT_S = 30.0
_CLOSING, _CLOSED = 4, 3
_BOM = b"\xef\xbb\xbf"
_ATTRIBUTES = {"Data": {"Stream", "PSGuid"}}
_OTHER_ATTRIBUTES = {"PSGuid"}


class _EndError(Exception):
    """The engine ends here with these words."""


def _elements(line: bytes) -> list[ET.Element]:
    """The elements of a line, which may hold several of them and nothing else (psrp-facts 1.4 and 2).

    Raises:
        ParseError: It is no XML.
        ValueError: There is no element, text beside one, or one with other attributes than it has.
    """
    root = ET.fromstring(b"<line>" + line + b"</line>")  # noqa: S314 - the lab's own client, and a line has no room for bombs
    beside = [root.text, *(each.tail for each in root)]
    if not len(root) or any(text and text.strip() for text in beside):
        raise ValueError("there is no element, or text beside one")
    for each in root:
        if set(each.attrib) != _ATTRIBUTES.get(each.tag, _OTHER_ATTRIBUTES) or len(each):
            raise ValueError(f"{each.tag} has other attributes or elements in it")
    return list(root)


class ChildSession:
    """One such process."""

    def __init__(
        self, make: Callable[[], Runspaces], settings: Callable[[], Settings], streams: Streams
    ) -> None:
        """Takes what makes a pool, the settings of now, and the streams."""
        self._make = make
        self._settings = settings
        self._streams = streams
        self._runspaces = make()
        self._pumps: dict[UUID, threading.Thread] = {}
        self._closing = False
        self._over = False
        self._lock = threading.RLock()

    def serve(self) -> int:
        """Answers until the input ends or is wrong; gives the exit code."""
        try:
            with os.fdopen(self._streams.stdin, "rb", closefd=False) as lines:
                for at, line in enumerate(lines):
                    self._take(line.removeprefix(_BOM) if at == 0 else line)
            self._streams.say(b"", b'An unknown element "" was received.\r\n')
        except _EndError as error:
            self._streams.say(b"", f"{error}\r\n".encode())
        finally:
            with self._lock:
                # What still ends must not write: the descriptors are somebody else's after this.
                self._over = True
            self._runspaces.close()
        return PROTOCOL_EXIT

    def _take(self, line: bytes) -> None:
        try:
            for element in _elements(line):
                target = UUID(element.attrib["PSGuid"])
                self._take_element(element, target, base64.b64decode(element.text or "", validate=True))
        except (ET.ParseError, ValueError, LookupError, binascii.Error) as error:
            raise _EndError(f"The input is not valid: {error}") from error

    def _take_element(self, element: ET.Element, target: UUID, data: bytes) -> None:
        pool = target == ZERO_ID
        match element.tag:
            case "Data" if data:
                self._take_pool_data(data) if pool else self._take_data(target, data)
            case "Command" if not pool:
                self._command(target)
            case "Close" | "Signal" if not pool:
                # It may take as long as the command does; other pipelines go on meanwhile.
                threading.Thread(target=self._end, args=(element.tag, target), daemon=True).start()
            case "Close":
                self._closing = True
                self._close_pool_when_free()
            case _:
                raise _EndError(f'An unknown element "{element.tag}" was received.')

    def _take_pool_data(self, data: bytes) -> None:
        if not self._feed(data, None):
            return
        self._send_pool()
        self._acknowledge("Data", ZERO_ID)

    def _send_pool(self) -> None:
        while (delivery := self._runspaces.outbox.take(limit=1, timeout_s=0.0)) is not None:
            self._send(ZERO_ID, delivery.chunks)

    def _take_data(self, target: UUID, data: bytes) -> None:
        self._acknowledge("Data", target)
        if self._runspaces.find(target) is not None:
            self._feed(data, target)

    def _feed(self, data: bytes, target: UUID | None) -> bool:
        try:
            self._runspaces.feed(data, target)
        except MessageError as error:
            # The engine says this and nothing more: whoever waits, waits (psrp-facts 1.3).
            self._streams.say(b"", f"Remote transport error: {error}\r\n".encode())
            return False
        return True

    def _command(self, target: UUID) -> None:
        try:
            self._runspaces.add(target, self._settings())
        except MessageError as error:
            raise _EndError(str(error)) from error
        pipeline = self._runspaces.find(target)
        if pipeline is not None:
            pump = threading.Thread(target=self._pump, args=(pipeline,), daemon=True)
            self._pumps[target] = pump
            self._acknowledge("Command", target)
            pump.start()

    def _pump(self, pipeline: Pipeline) -> None:
        """Writes what a pipeline puts out, up to its final state."""
        while not pipeline.outbox.gone:
            delivery = pipeline.outbox.take(limit=1, timeout_s=_FOR_EVER_S)
            if delivery is not None:
                self._send(pipeline.pipeline_id, delivery.chunks)
                if delivery.done:
                    return

    def _end(self, how: str, target: UUID) -> None:
        """Stops a pipeline, and forgets it on `Close`; the answer comes after its state."""
        pipeline = self._runspaces.find(target)
        if pipeline is not None:
            pipeline.request_stop()
            self._pumps[target].join(_STOP_WAIT_S)
            if how == "Close":
                self._runspaces.remove(pipeline)
        self._acknowledge(how, target)
        if how == "Close":
            self._close_pool_when_free()

    def _close_pool_when_free(self) -> None:
        """Ends the pool once its last pipeline is closed (psrp-facts 1.2); the next one may be opened."""
        with self._lock:
            if not self._closing or not self._runspaces.empty:
                return
            self._closing = False
            for state in (_CLOSING, _CLOSED):
                self._runspaces.tell_state(state)
            self._send_pool()
            # Before the answer: a client may open the next one as soon as it has it.
            self._runspaces = self._make()
            self._acknowledge("Close", ZERO_ID)

    def _send(self, target: UUID, chunks: tuple[Chunk, ...]) -> None:
        for chunk in chunks:
            data = base64.b64encode(chunk.data).decode()
            self._write(f"<Data Stream='Default' PSGuid='{target}'>{data}</Data>")

    def _acknowledge(self, what: str, target: UUID) -> None:
        self._write(f"<{what}Ack PSGuid='{target}' />")

    def _write(self, element: str) -> None:
        with self._lock:
            if self._over:
                return
            # Windows' own line end; a client strips both kinds.
            self._streams.say(f"{element}\r\n".encode(), b"")
