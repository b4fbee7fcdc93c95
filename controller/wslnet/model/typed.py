"""Plain values as typed ones, by msgspec, one thread at a time.

msgspec keeps what it learns of a dataclass with the class, and puts it there before it is complete. A second
thread that meets the class then follows a null pointer and the process ends: SIGSEGV in msgspec 0.22.0's
`_core`, seen since machines are read side by side. Later conversions take microseconds.
"""

from __future__ import annotations

import threading
from typing import TypeVar

import msgspec

T = TypeVar("T")

_one_at_a_time = threading.Lock()


def typed(value: object, shape: type[T]) -> T:
    """Gives `value`, made of what JSON or TOML knows, as a `shape`.

    Raises:
        msgspec.ValidationError: it has not that shape; the text names the first place.
    """
    with _one_at_a_time:
        return msgspec.convert(value, shape)


def typed_json(text: bytes | str, shape: type[T]) -> T:
    """Gives a JSON document as a `shape`.

    Raises:
        msgspec.DecodeError: it is no JSON; msgspec.ValidationError, one of those: it has not that shape.
    """
    with _one_at_a_time:
        return msgspec.json.decode(text, type=shape)
