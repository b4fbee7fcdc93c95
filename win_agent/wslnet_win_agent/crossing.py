"""Which Python values may cross to Windows, and as what.

Measured limits of the client libraries and the engine (psrp-facts 1 and 6, windows-facts 7): what would
arrive changed, hang the pipeline or break the serialiser is refused here, before anything is sent.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta

from .errors import CallRefused

_INT32 = range(-(2**31), 2**31)
_INT64 = range(-(2**63), 2**63)
_UINT64 = range(2**64)
# U+FFFE and U+FFFF hang the pipeline (psrp-facts 5), a lone surrogate and NUL are no text of Windows' APIs.
_NO_TEXT = re.compile("[\x00\ud800-\udfff\ufffe\uffff]")
_TICKS_PER_MICROSECOND = 10


@dataclass(frozen=True, slots=True)
class Wide:
    """An integer beyond Int32; `tag` is the CLIXML tag it must travel with (`I64` or `U64`)."""

    tag: str
    value: int


Scalar = bool | int | str | bytes | Wide
Value = Scalar | list[Scalar]


def crossed(value: object) -> Value:
    """Give `value` as a fresh value of an exact builtin type that arrives as it left.

    Raises:
        CallRefused: null, float, tuple, set, dict, nested list, any subclass of a builtin (it could answer
            differently when asked twice), text that cannot be serialised.
    """
    if type(value) is list:
        return [_scalar(each) for each in list(value)]
    return _scalar(value)


def _scalar(value: object) -> Scalar:
    if type(value) is bool or type(value) is bytes:
        return value
    if type(value) is int:
        return _integer(value)
    if type(value) is str:
        if _NO_TEXT.search(value):
            raise CallRefused(f"{value!r} holds a character that cannot be sent")
        return value
    if type(value) is timedelta:
        return _time_span(value)
    raise CallRefused(f"a value of type {type(value).__name__} cannot be sent")


def _integer(value: int) -> int | Wide:
    if value in _INT32:
        return value
    if value in _INT64:
        return Wide("I64", value)
    if value in _UINT64:
        return Wide("U64", value)
    raise CallRefused(f"{value} does not fit in 64 bits")


def _time_span(value: timedelta) -> str:
    """As text, since psrpcore writes some durations wrongly (psrp-facts 1.6): `[-]d.hh:mm:ss.fffffff`."""
    sign = "-" if value < timedelta(0) else ""
    value = abs(value)
    minutes, seconds = divmod(value.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    ticks = value.microseconds * _TICKS_PER_MICROSECOND
    return f"{sign}{value.days}.{hours:02}:{minutes:02}:{seconds:02}.{ticks:07}"
