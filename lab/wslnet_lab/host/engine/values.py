"""Texts and numbers as .NET would make them of plain values.

Small pure functions below `conversion`: the text of a value, a number in text, a time span in text.
Nothing here knows of parameters.
"""

from __future__ import annotations

import ipaddress
import math
import re
from datetime import datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation

from wslnet_lab.host.contract import CimInstance, CimValue, EnumValue, Number, PlainObject

_UNITS = {"kb": 2**10, "mb": 2**20, "gb": 2**30, "tb": 2**40, "pb": 2**50}
_TIME_SPAN = re.compile(
    r"(?P<sign>-)?(?:(?P<days>\d{1,8})(?:\.|:(?=\d+:\d+:)))?(?P<hours>\d{1,2}):(?P<minutes>\d{1,2})"
    r"(?::(?P<seconds>\d{1,2})(?:\.(?P<fraction>\d{1,7}))?)?"
)
_US_DATE = ("%m/%d/%Y", "%m/%d/%Y %H:%M", "%m/%d/%Y %H:%M:%S", "%m/%d/%Y %I:%M %p", "%m/%d/%Y %I:%M:%S %p")
_TIME_ONLY = ("%H:%M", "%H:%M:%S", "%I:%M %p", "%I:%M:%S %p", "%I%p", "%I %p")
_ADDRESS_PART = re.compile(r"0[xX][0-9A-Fa-f]+|0[0-7]*|[1-9][0-9]*")
_IPV4_BYTES = 4
_BYTE = 255
_HOURS_PER_DAY = 24
_MINUTES_PER_HOUR = 60
_LIST = "System.Collections.ArrayList"
_INTEGER_DIGITS = r"[0-9][0-9,]*"
_NUMBER = re.compile(rf"[+-]?({_INTEGER_DIGITS}\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]{{1,3}})?", re.IGNORECASE)
TICKS_PER_MICROSECOND = 10
LEAST_TICK, MOST_TICK = -(2**63), 2**63 - 1
_TICKS_PER_SECOND = 10_000_000


class TimeSpan(timedelta):
    """A time span made of .NET's ticks of 100 ns; `timedelta` alone loses the last digit."""

    ticks: int

    @classmethod
    def of_ticks(cls, ticks: int) -> TimeSpan:
        """The span of so many ticks."""
        span = cls(microseconds=ticks // TICKS_PER_MICROSECOND)
        span.ticks = ticks
        return span


def ticks_of(value: timedelta) -> int:
    """The span in ticks."""
    if isinstance(value, TimeSpan):
        return value.ticks
    return value // timedelta(microseconds=1) * TICKS_PER_MICROSECOND


def text_of(value: object) -> str:
    """The text PowerShell makes of `value` for a [string]: lists joined with blanks, invariant culture."""
    match value:
        case bool():
            return "True" if value else "False"
        case float():
            return _float_text(value)
        case list() | tuple() | bytes():
            # Only the outermost list is walked; one inside it shows as its type.
            return " ".join(_LIST if isinstance(item, list | tuple) else text_of(item) for item in value)
        case timedelta():
            return time_span_text(value)
        case datetime():
            return value.strftime("%m/%d/%Y %H:%M:%S")
    return _object_text(value)


def _float_text(value: float) -> str:
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return "NaN" if math.isnan(value) else repr(value).removesuffix(".0").replace("e", "E")


def _object_text(value: object) -> str:
    match value:
        case None:
            return ""
        case dict():
            return "System.Collections.Hashtable"
        case EnumValue(name=name) | CimInstance(class_name=name):
            return name
        case CimValue(value=held) | Number(value=held):
            return text_of(held)
        case PlainObject():
            return value.type_names[0] if value.to_string is None else value.to_string
    return str(value)


def address_in_text(text: str) -> str | None:
    """The address in a text as .NET's IPAddress.Parse reads it, in its usual form; None when there is none.

    IPv4 in one to four parts, each decimal, `0x…` or octal; the last part fills what is left.
    """
    if ":" in text:
        plain = text.removeprefix("[").removesuffix("]") if text.startswith("[") else text
        try:
            return str(ipaddress.IPv6Address(plain))
        except ValueError:
            return None
    parts = text.split(".")
    if len(parts) > _IPV4_BYTES or not all(_ADDRESS_PART.fullmatch(part) for part in parts):
        return None
    numbers = [_address_part(part) for part in parts]
    room = _IPV4_BYTES + 1 - len(numbers)
    if any(number > _BYTE for number in numbers[:-1]) or numbers[-1] >= 256**room:
        return None
    packed = bytes(numbers[:-1]) + numbers[-1].to_bytes(room, "big")
    return str(ipaddress.IPv4Address(packed))


def _address_part(part: str) -> int:
    if part[:2] in ("0x", "0X"):
        return int(part, 0)
    return int(part, 8 if part.startswith("0") and len(part) > 1 else 10)


def time_span_text(value: timedelta) -> str:
    """`[-][d.]hh:mm:ss[.fffffff]`, .NET's constant format."""
    ticks = ticks_of(value)
    seconds, fraction = divmod(abs(ticks), _TICKS_PER_SECOND)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    text = f"{days}." if days else ""
    text += f"{hours:02}:{minutes:02}:{seconds:02}"
    return ("-" if ticks < 0 else "") + text + (f".{fraction:07}" if fraction else "")


def number_in_text(text: str) -> int | None:
    """An integer as PowerShell reads it in text ('0x10', '1kb', '1.5' → 2, '' → 0); None when it is none.

    What is no integer is read as a real number, in which .NET overlooks commas: '22,80' is 2280.
    """
    stripped = text.strip()
    if not stripped:
        return 0
    match = re.fullmatch(r"([+-]?)0x([0-9a-f]+)", stripped, re.IGNORECASE)
    if match:
        return int(match[2], 16) * (-1 if match[1] == "-" else 1)
    unit = _UNITS.get(stripped[-2:].lower(), 1)
    digits = stripped[:-2] if unit > 1 else stripped
    if not _NUMBER.fullmatch(digits) or (unit > 1 and "," in digits):
        return None
    try:
        return int((Decimal(digits.replace(",", "")) * unit).to_integral_value(ROUND_HALF_EVEN))
    except InvalidOperation:
        return None


def time_span_in_text(text: str) -> timedelta | None:
    """A time span in .NET's text ('00:30:00', '1.02:00', '5' = days); None when it is none ('PT30M')."""
    stripped = text.strip()
    if re.fullmatch(r"-?[0-9]{1,8}", stripped):
        return _in_range(timedelta(days=int(stripped)))
    match = _TIME_SPAN.fullmatch(stripped)
    if not match:
        return None
    hours, minutes = int(match["hours"]), int(match["minutes"])
    seconds = int(match["seconds"] or 0)
    if hours >= _HOURS_PER_DAY or minutes >= _MINUTES_PER_HOUR or seconds >= _MINUTES_PER_HOUR:
        return None
    whole = timedelta(days=int(match["days"] or 0), hours=hours, minutes=minutes, seconds=seconds)
    ticks = ticks_of(whole) + int((match["fraction"] or "0").ljust(7, "0"))
    return _in_range(TimeSpan.of_ticks(-ticks if match["sign"] else ticks))


def _in_range(span: timedelta) -> timedelta | None:
    """A span that .NET's 64 bits of ticks hold; None for a longer one."""
    return span if LEAST_TICK <= ticks_of(span) <= MOST_TICK else None


def date_in_text(text: str) -> datetime | None:
    """A date in ISO or invariant month/day/year text, or a time of today; None when it is none."""
    stripped = text.strip()
    try:
        return datetime.fromisoformat(stripped)
    except ValueError:
        pass
    for pattern in _US_DATE:
        try:
            return datetime.strptime(stripped, pattern)  # noqa: DTZ007 - .NET's DateTime has no zone either
        except ValueError:
            continue
    for pattern in _TIME_ONLY:
        try:
            time = datetime.strptime(stripped, pattern)  # noqa: DTZ007 - as above
        except ValueError:
            continue
        today = datetime.now()  # noqa: DTZ005 - as above
        return today.replace(hour=time.hour, minute=time.minute, second=time.second, microsecond=0)
    return None
