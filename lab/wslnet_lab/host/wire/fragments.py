"""PSRP messages and their fragments as bytes (psrp-facts 2). Sending only; psrpcore reads what comes in."""

from __future__ import annotations

import struct
from enum import IntEnum
from uuid import UUID

ZERO_ID = UUID(int=0)
FRAGMENT_SIZE = 32768
"""The engine's own fragment size with its header (psrp-facts 2)."""

_HEADER_SIZE = 21
_TO_CLIENT = 1
_BOM = b"\xef\xbb\xbf"


class MessageType(IntEnum):
    """The messages a server sends."""

    SESSION_CAPABILITY = 0x00010002
    RUNSPACE_POOL_STATE = 0x00021005
    RUNSPACE_AVAILABILITY = 0x00021004
    APPLICATION_PRIVATE_DATA = 0x00021009
    ENCRYPTED_SESSION_KEY = 0x00010006
    PIPELINE_OUTPUT = 0x00041004
    ERROR_RECORD = 0x00041005
    PIPELINE_STATE = 0x00041006
    DEBUG_RECORD = 0x00041007
    VERBOSE_RECORD = 0x00041008
    WARNING_RECORD = 0x00041009
    PROGRESS_RECORD = 0x00041010
    INFORMATION_RECORD = 0x00041011


def pack_message(kind: MessageType, body: str, pool: UUID, pipeline: UUID | None) -> bytes:
    """One message; a body starts with a byte-order mark unless it is empty (psrp-facts 2)."""
    content = _BOM + body.encode() if body else b""
    target = pipeline or ZERO_ID
    return struct.pack("<II", _TO_CLIENT, kind) + pool.bytes_le + target.bytes_le + content


def split_message(message: bytes, object_id: int, fragment_size: int = FRAGMENT_SIZE) -> list[bytes]:
    """The fragments of a message, none longer than `fragment_size` bytes with its header."""
    room = max(fragment_size - _HEADER_SIZE, 1)
    pieces = [message[at : at + room] for at in range(0, len(message), room)]
    last = len(pieces) - 1
    return [
        struct.pack(">QQBI", object_id, number, (number == 0) | ((number == last) << 1), len(piece)) + piece
        for number, piece in enumerate(pieces)
    ]
