"""Conversions of times, identifiers, tables and objects (binder-facts 4, cdxml-facts 3).

Each raises `ConversionError`.
"""

from __future__ import annotations

import ipaddress
import re
import uuid
import xml.etree.ElementTree as ET
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from wslnet_lab.host.contract import CimInstance, Number, PlainObject
from wslnet_lab.host.engine.families import (
    NULL_FOR_VALUE,
    WRONG_OBJECT,
    ConversionError,
    Family,
    cannot,
)
from wslnet_lab.host.engine.values import (
    LEAST_TICK,
    MOST_TICK,
    TICKS_PER_MICROSECOND,
    TimeSpan,
    address_in_text,
    date_in_text,
    text_of,
    time_span_in_text,
)

if TYPE_CHECKING:
    from wslnet_lab.host.engine.types import TypeSpec

# DateTime counts from here to the end of 9999.
_YEAR_1 = datetime(1, 1, 1)  # noqa: DTZ001 - .NET's DateTime has no zone either
_LAST_TICK = 3155378975999999999
_CLASS_NAME = re.compile(r"[A-Za-z_]\w*")
_DIGITS = r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
_GUID = re.compile(rf"\{{({_DIGITS})\}}|\(({_DIGITS})\)|{_DIGITS}|[0-9A-Fa-f]{{32}}")


def to_time_span(value: object, spec: TypeSpec, family: Family) -> object:
    """[timespan]: text, ticks, a PSRP duration."""
    if isinstance(value, timedelta):
        return value
    if isinstance(value, str):
        found = time_span_in_text(value)
        if found is not None:
            return found
    elif isinstance(value, int | Number) and not isinstance(value, bool):
        ticks = value.value if isinstance(value, Number) else value
        if LEAST_TICK <= ticks <= MOST_TICK:
            return TimeSpan.of_ticks(ticks)
    raise _refused(value, spec, family, "The text was not recognized as a valid TimeSpan.")


def to_date_time(value: object, spec: TypeSpec, family: Family) -> object:
    """[datetime]: text or ticks."""
    if isinstance(value, datetime):
        return value
    if isinstance(value, str):
        found = date_in_text(value)
        if found is not None:
            return found
    elif isinstance(value, int | Number) and not isinstance(value, bool):
        ticks = value.value if isinstance(value, Number) else value
        if 0 <= ticks <= _LAST_TICK:
            return _YEAR_1 + timedelta(microseconds=ticks // TICKS_PER_MICROSECOND)
    raise _refused(value, spec, family, "The text was not recognized as a valid DateTime.")


def to_guid(value: object, spec: TypeSpec, family: Family) -> object:
    """[guid], with or without braces."""
    if isinstance(value, uuid.UUID):
        return str(value)
    found = _GUID.fullmatch(value.strip()) if isinstance(value, str) else None
    if found:
        return str(uuid.UUID(found[1] or found[2] or found[0]))
    raise _refused(value, spec, family, "Unrecognized Guid format.")


def to_address(value: object, spec: TypeSpec, _family: Family) -> object:
    """[System.Net.IPAddress], as lax as .NET: a number is four bytes, text may be octal or a single number.

    jea-facts A7: int 5 is 5.0.0.0, '5' is 0.0.0.5, '010.0.0.1' is 8.0.0.1, a scope stays.
    """
    if isinstance(value, int | Number) and not isinstance(value, bool):
        number = value.value if isinstance(value, Number) else value
        if 0 <= number < 2**32:
            return str(ipaddress.IPv4Address(number.to_bytes(4, "little")))
    elif isinstance(value, str):
        found = address_in_text(value)
        if found is not None:
            return found
    raise cannot(value, spec, "An invalid IP address was specified.")


def to_version(value: object, spec: TypeSpec, _family: Family) -> object:
    """[version]."""
    if value is None:
        return None
    text = value.strip() if isinstance(value, str) else ""
    parts = text.split(".")
    if 2 <= len(parts) <= 4 and all(part.isdecimal() for part in parts):  # noqa: PLR2004 - .NET's Version
        return text
    raise cannot(value, spec, "Version string portion was too short or too long.")


def to_xml(value: object, spec: TypeSpec, _family: Family) -> object:
    """[xml]: text that is a document, normalised as .NET writes it."""
    if value is None:
        return None
    if isinstance(value, str):
        try:
            return ET.tostring(ET.fromstring(value), encoding="unicode")  # noqa: S314 - the lab's own clients
        except ET.ParseError:
            pass
    raise cannot(value, spec, "The text is no XML document.")


def to_table(value: object, spec: TypeSpec, _family: Family) -> object:
    """[hashtable] and [IDictionary]: never from text."""
    if value is None or isinstance(value, dict):
        return value
    raise cannot(value, spec)


def to_any(value: object, _spec: TypeSpec, _family: Family) -> object:
    """[object]: as it came."""
    return value


def to_cim_instance(value: object, spec: TypeSpec, _family: Family) -> object:
    """[CimInstance] of a class: a live one, or one that came back with its class."""
    if value is None:
        return None
    if isinstance(value, str) and _CLASS_NAME.fullmatch(value):
        # Text makes an instance of a class of that name, which then is of the wrong class (cdxml-facts 3).
        value = CimInstance("", value, {})
    if isinstance(value, CimInstance):
        if spec.cim_class is None or value.class_name.lower() == spec.cim_class.lower():
            return value
        raise cannot(value, spec, compiled_id=WRONG_OBJECT)
    raise cannot(value, spec)


def to_cim_session(value: object, spec: TypeSpec, _family: Family) -> object:
    """[CimSession]: any text or number names a computer; empty text the local one (cdxml-facts 3)."""
    if value is None:
        return None
    if isinstance(value, str | int | Number) and not isinstance(value, bool):
        return text_of(value) or "localhost"
    raise cannot(value, spec)


def to_opaque(value: object, spec: TypeSpec, _family: Family) -> object:
    """Types that plain data cannot make: null, or an object of that very type."""
    if value is None or spec.name in live_types(value):
        return value
    raise cannot(value, spec)


def _refused(value: object, spec: TypeSpec, family: Family, why: str) -> ConversionError:
    # Null for one of these reaches the setter of a compiled cmdlet, as for every value type (binder-facts 1).
    if value is None and family is Family.COMPILED:
        return cannot(None, spec, "null cannot be assigned to a value type", NULL_FOR_VALUE)
    return cannot(value, spec, why)


def live_types(value: object) -> frozenset[str]:
    """The types that an object says it has; none for plain data."""
    if not isinstance(value, PlainObject):
        return frozenset({getattr(value, "type_name", "")})
    # What a client sends back carries the prefix and is rebuilt for the types that can be (PSCredential …).
    return frozenset(name.removeprefix("Deserialized.") for name in value.type_names)
