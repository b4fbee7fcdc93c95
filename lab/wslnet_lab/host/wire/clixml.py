"""Writes CLIXML text in the order and with the spelling of the real engine (psrp-facts 5).

It knows XML, reference numbers and the text forms of .NET's primitives, nothing about errors or CIM. It is
ours rather than psrpcore's because element order, type-name references and escapes have to be the engine's.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

INFINITE_INTERVAL = "P10675199DT2H48M5.4775807S"
"""TimeSpan.MaxValue as the engine writes it (cdxml-facts 6)."""

_LONGEST = timedelta(days=10675199, hours=2, minutes=48, seconds=5, microseconds=477580)
_ESCAPED = re.compile("_(?=[xX])|[\x00-\x1f\x7f-\x9f\ud800-\udfff\U00010000-\U0010ffff]")
_NONCHARACTER = re.compile("[\ufffe\uffff]")
_MARKUP = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


def escape(text: str) -> str:
    """The text as the engine writes it between tags: `_xHHHH_` for controls and surrogate halves."""
    escaped = _ESCAPED.sub(_hex_units, text).translate(_MARKUP)
    return _NONCHARACTER.sub(lambda found: f"&#x{ord(found.group()):X};", escaped)


def interval_text(value: timedelta) -> str:
    """An xs:duration such as `PT30M` or `P1DT1H1M1.5S`; TimeSpan.MaxValue for anything that long."""
    if value >= _LONGEST:
        return INFINITE_INTERVAL
    sign, value = ("-", -value) if value < timedelta() else ("", value)
    minutes, seconds = divmod(value.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    second = f"{seconds}.{value.microseconds:06d}".rstrip("0").rstrip(".") if value.microseconds else seconds
    clock = "".join(
        f"{amount}{unit}" for amount, unit in ((hours, "H"), (minutes, "M"), (second, "S")) if amount
    )
    days = f"{value.days}D" if value.days else ""
    if not days and not clock:
        return "PT0S"
    return f"{sign}P{days}{'T' if clock else ''}{clock}"


def datetime_text(value: datetime) -> str:
    """A round-trip date: `Z` for UTC, an offset for other zones, nothing for a date without zone."""
    text = value.replace(tzinfo=None).isoformat(timespec="seconds")
    if value.microsecond:
        text += f".{value.microsecond:06d}".rstrip("0")
    offset = value.utcoffset()
    if offset is None:
        return text
    if not offset:
        return text + "Z"
    return text + value.isoformat()[-6:]


def float_text(value: float) -> str:
    """A number as .NET writes it: `2` rather than `2.0`."""
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value).upper()  # noqa: PLR2004 - 15 digits is where .NET turns to exponents


class Writer:
    """One CLIXML document; reference numbers run from 0 in each."""

    def __init__(self) -> None:
        """Starts an empty document."""
        self._parts: list[str] = []
        self._objects = 0
        self._type_names: dict[tuple[str, ...], int] = {}
        self._written: dict[int, tuple[object, int]] = {}

    def text(self) -> str:
        """The document so far."""
        return "".join(self._parts)

    def leaf(self, tag: str, content: str, name: str | None = None) -> None:
        """One element with text that needs no escaping."""
        self._parts.append(f"<{tag}{_named(name)}>{content}</{tag}>")

    def string(self, content: str, name: str | None = None, tag: str = "S") -> None:
        """One element with any text."""
        self.leaf(tag, escape(content), name)

    def nil(self, name: str | None = None) -> None:
        """A null."""
        self._parts.append(f"<Nil{_named(name)} />")

    def reference(self, number: int, name: str | None = None) -> None:
        """A reference to an object written before."""
        self._parts.append(f'<Ref{_named(name)} RefId="{number}" />')

    def number_of(self, value: object) -> int | None:
        """The reference number under which this very object was written before, if it was."""
        known = self._written.get(id(value))
        return known[1] if known else None

    @contextmanager
    def obj(
        self, name: str | None = None, types: tuple[str, ...] = (), value: object = None
    ) -> Iterator[int]:
        """An object with its type names; gives its reference number and remembers `value` under it."""
        number = self._objects
        self._objects += 1
        if value is not None:
            self._written[id(value)] = (value, number)  # holding it keeps its id from being used again
        self._parts.append(f'<Obj{_named(name)} RefId="{number}">')
        if types:
            self._write_types(types)
        yield number
        self._parts.append("</Obj>")

    @contextmanager
    def element(self, tag: str) -> Iterator[None]:
        """A grouping element: Props, MS, LST, DCT, En."""
        self._parts.append(f"<{tag}>")
        yield
        self._parts.append(f"</{tag}>")

    def empty(self, tag: str) -> None:
        """A grouping element with nothing in it."""
        self._parts.append(f"<{tag} />")

    def enum(self, type_name: str, member: str, number: int, name: str | None = None) -> None:
        """An enum object: the engine writes its text before the number."""
        with self.obj(name, (type_name, "System.Enum", "System.ValueType", "System.Object")):
            self.string(member, tag="ToString")
            self.leaf("I32", str(number))

    def _write_types(self, types: tuple[str, ...]) -> None:
        known = self._type_names.get(types)
        if known is not None:
            self._parts.append(f'<TNRef RefId="{known}" />')
            return
        number = self._type_names[types] = len(self._type_names)
        names = "".join(f"<T>{escape(name)}</T>" for name in types)
        self._parts.append(f'<TN RefId="{number}">{names}</TN>')


def _named(name: str | None) -> str:
    return "" if name is None else f' N="{escape(name).replace(chr(34), "&quot;")}"'


def _hex_units(found: re.Match[str]) -> str:
    units = found.group().encode("utf-16-be", "surrogatepass")
    return "".join(f"_x{units[at]:02X}{units[at + 1]:02X}_" for at in range(0, len(units), 2))
