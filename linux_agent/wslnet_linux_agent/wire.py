"""Frames between controller and Linux agent (docs/protocols.md 1): length, zlib, JSON object.

Both sides use this one module. It does no I/O: bytes go in and come out, whoever calls it moves them.
"""

import json
import zlib

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

LIMIT = 16 * 1024 * 1024
"""Most bytes of one frame, compressed or not."""
MOST_ITEMS = 500000
"""Most values in one frame: small values cost far more memory than wire, so bytes alone bound nothing."""
_LENGTH_SIZE = 4


class FrameError(Exception):
    """The bytes are no frame of the protocol; nothing after them can be trusted."""


def encode(document: "dict[str, Any]") -> "bytes":
    """Give the frame of one JSON object.

    Raises:
        FrameError: it is longer than LIMIT.
    """
    text = json.dumps(document, separators=(",", ":")).encode("ascii")
    body = zlib.compress(text)
    if len(text) > LIMIT or len(body) > LIMIT:
        raise FrameError("a frame of %d bytes is too long" % len(text))
    return len(body).to_bytes(_LENGTH_SIZE, "big") + body


class Decoder:
    """Takes bytes in any portions, gives whole documents."""

    def __init__(self) -> "None":
        self._buffer = bytearray()

    def feed(self, data: "bytes") -> "None":
        """Add bytes as they came."""
        self._buffer += data

    def take(self) -> "dict[str, Any] | None":
        """Give the next whole document, None while it is incomplete.

        Raises:
            FrameError: what came is no frame.
        """
        if len(self._buffer) < _LENGTH_SIZE:
            return None
        length = int.from_bytes(self._buffer[:_LENGTH_SIZE], "big")
        if length > LIMIT:
            raise FrameError("a frame announces %d bytes" % length)
        end = _LENGTH_SIZE + length
        if len(self._buffer) < end:
            return None
        body = bytes(self._buffer[_LENGTH_SIZE:end])
        del self._buffer[:end]
        return _document(_inflate(body))


def _inflate(body: "bytes") -> "bytes":
    stream = zlib.decompressobj()
    try:
        text = stream.decompress(body, LIMIT)
    except zlib.error as error:
        raise FrameError("a frame is not compressed as it should be: %s" % error)
    if not stream.eof or stream.unused_data:
        raise FrameError("a frame is cut, too long or has something after its end")
    return text


def _document(text: "bytes") -> "dict[str, Any]":
    # A container weighs about as much as four plain values.
    weight = text.count(b",") + 4 * (text.count(b"[") + text.count(b"{"))
    if weight > MOST_ITEMS:
        raise FrameError("a frame has too many values")
    try:
        document = json.loads(text.decode("utf-8"), parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise FrameError("a frame holds no JSON: %s" % str(error)[:200])
    if not isinstance(document, dict):
        raise FrameError("a frame holds no JSON object")
    return document


def _refuse(name: "str") -> "Any":
    raise ValueError("%s is no JSON" % name)
