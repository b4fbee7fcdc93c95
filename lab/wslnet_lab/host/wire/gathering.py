"""Whole fragments out of pieces: a client may cut them anywhere (psrp-facts 2), psrpcore needs them whole."""

from __future__ import annotations

import struct

_HEADER = struct.Struct(">QQBI")
_SIGNED = 2**63
_LONGEST = 2**31


class Gatherer:
    """What came of one target and is not whole yet."""

    def __init__(self) -> None:
        """Starts with nothing."""
        self._rest = b""

    def take(self, data: bytes) -> bytes:
        """The fragments that `data` completes, as they came; the rest waits for more.

        Raises:
            ValueError: No fragment begins like this; what came so far is forgotten.
        """
        self._rest += data
        end = 0
        while len(self._rest) - end >= _HEADER.size:
            number, fragment, _, size = _HEADER.unpack_from(self._rest, end)
            # The engine counts in signed numbers, and objects from 1 on.
            if not 0 < number < _SIGNED or fragment >= _SIGNED or size >= _LONGEST:
                self._rest = b""
                raise ValueError("these bytes are no fragment")
            if len(self._rest) - end < _HEADER.size + size:
                break
            end += _HEADER.size + size
        whole, self._rest = self._rest[:end], self._rest[end:]
        return whole
