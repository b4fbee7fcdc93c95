"""Values to parameter types, in the two ways PowerShell has: functions transform, compiled cmdlets coerce.

`convert` gives the value that a parameter would hold, or raises `ConversionError` with what the compiled
family calls the failure (binder-facts 1 and 4). Sources of every rule: binder-facts 4, cdxml-facts 3,
psrp-facts 6.
"""

from __future__ import annotations

import math
import uuid
import xml.etree.ElementTree as ET
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from wslnet_lab.host.contract import CimInstance, EnumValue, Number, PlainObject
from wslnet_lab.host.engine.types import Kind, TypeSpec
from wslnet_lab.host.engine.values import (
    TICKS_PER_MICROSECOND,
    date_in_text,
    number_in_text,
    text_of,
    time_span_in_text,
)

if TYPE_CHECKING:
    from wslnet_lab.host.engine.enums import Enumeration

NO_MESSAGE = "CannotConvertArgumentNoMessage"
MISMATCH = "CannotConvertArgument"
NULL_FOR_VALUE = "ParameterBindingFailed"
WRONG_OBJECT = "MismatchedPSTypeName"


class ConversionError(Exception):
    """A value does not fit a type; `compiled_id` is the compiled family's id for it."""

    def __init__(self, message: str, compiled_id: str = NO_MESSAGE) -> None:
        super().__init__(message)
        self.compiled_id = compiled_id


def convert(value: object, spec: TypeSpec, *, function: bool) -> object:
    """The value as `spec` holds it; array types give lists.

    Raises:
        ConversionError: It cannot be converted.
    """
    if spec.depth == 0:
        return _SCALARS[spec.kind](value, spec, function)
    if value is None:
        # A null bool[] is refused though every other null array is taken (cdxml-facts 3).
        if spec.kind is Kind.BOOLEAN and function:
            raise _cannot(value, spec)
        return None
    items = list(value) if isinstance(value, list | tuple | bytes) else [value]
    return [convert(item, spec.element(), function=function) for item in items]


def fits(value: object, spec: TypeSpec) -> bool:
    """Whether a compiled cmdlet takes `value` without coercion (the first try of positional binding)."""
    if spec.depth:
        items = value if isinstance(value, list) else [value]
        return all(fits(item, spec.element()) for item in items)
    if spec.kind is Kind.OBJECT:
        return True
    if spec.kind is Kind.TEXT:
        return isinstance(value, str) and spec.name == "System.String"
    if spec.kind is Kind.INTEGER:
        return isinstance(value, int) and not isinstance(value, bool) and spec.name == "System.Int32"
    exact: dict[Kind, type] = {
        Kind.BOOLEAN: bool,
        Kind.TIME_SPAN: timedelta,
        Kind.DATE_TIME: datetime,
        Kind.TABLE: dict,
    }
    return spec.kind in exact and isinstance(value, exact[spec.kind])


def _cannot(value: object, spec: TypeSpec, why: str = "", compiled_id: str = NO_MESSAGE) -> ConversionError:
    tail = f' Error: "{why}"' if why else ""
    text = f'Cannot convert value "{text_of(value)}" to type "{spec.full_name}".{tail}'
    return ConversionError(text, compiled_id)


def _refuse_list(value: object, spec: TypeSpec) -> None:
    if isinstance(value, list | tuple):
        raise _cannot(value, spec, compiled_id=MISMATCH)


def _null(spec: TypeSpec, function: object, zero: object) -> object:
    """Null for a value type: zero in functions; the setter of a compiled cmdlet fails."""
    if function:
        return zero
    raise _cannot(None, spec, "null cannot be assigned to a value type", NULL_FOR_VALUE)


def _text(value: object, spec: TypeSpec, function: bool) -> object:  # noqa: FBT001 - one shape for the table
    if function:
        return text_of(value)
    if value is None:
        return None
    _refuse_list(value, spec)
    return text_of(value)


def _integer(value: object, spec: TypeSpec, function: bool) -> object:  # noqa: FBT001
    if value is None:
        return _null(spec, function, 0)
    _refuse_list(value, spec)
    number = whole_number(value)
    if number is None:
        raise _cannot(value, spec, "The input string was not in a correct format.")
    low, high = spec.bounds
    if not low <= number <= high:
        raise _cannot(value, spec, "Value was either too large or too small.")
    return number


def whole_number(value: object) -> int | None:
    """The integer that a number, a bool or a text stands for; None when it stands for none."""
    if isinstance(value, bool | int):
        return int(value)
    if isinstance(value, Number):
        return value.value
    if isinstance(value, float):
        return round(value) if math.isfinite(value) else None
    if isinstance(value, str):
        return number_in_text(value)
    if isinstance(value, EnumValue):
        return value.number
    return None


def _real(value: object, spec: TypeSpec, function: bool) -> object:  # noqa: FBT001
    if value is None:
        return _null(spec, function, 0.0)
    _refuse_list(value, spec)
    if isinstance(value, float):
        return value
    if isinstance(value, str) and value.strip():
        try:
            return float(value)
        except ValueError:
            pass
    number = whole_number(value)
    if number is None:
        raise _cannot(value, spec, "The input string was not in a correct format.")
    return float(number)


def _boolean(value: object, spec: TypeSpec, function: bool) -> object:  # noqa: FBT001
    if value is None and not function:
        raise _cannot(value, spec, compiled_id=NULL_FOR_VALUE)
    if isinstance(value, Number):
        return bool(value.value)
    if isinstance(value, bool | int | float):
        return bool(value)
    raise _cannot(value, spec, "Only a Boolean or a number is taken.", MISMATCH)


def _switch(value: object, spec: TypeSpec, function: bool) -> object:  # noqa: FBT001
    if value is None:
        return not function
    if isinstance(value, bool):
        return value
    if not function and isinstance(value, Number | int | float):
        return bool(value.value if isinstance(value, Number) else value)
    raise _cannot(value, spec, "Only a Boolean is taken.", MISMATCH)


def _enum(value: object, spec: TypeSpec, function: bool) -> object:  # noqa: FBT001
    enum = spec.enum
    if enum is None:
        raise ConversionError(f"{spec.name} has no members")
    if value is None:
        compiled_id = NO_MESSAGE if function else NULL_FOR_VALUE
        raise _cannot(value, spec, f"one of {', '.join(enum.members)}", compiled_id)
    if isinstance(value, bool):
        raise _cannot(value, spec, "Invalid cast from 'System.Boolean'.")
    if isinstance(value, list | tuple):
        number = _or(",".join(text_of(item) for item in value), enum)
    elif isinstance(value, str):
        number = _or(value, enum)
    else:
        number = whole_number(value)
    name = enum.name_of(number) if number is not None else None
    if number is None or name is None:
        raise _cannot(value, spec, f"Specify one of the following: {', '.join(enum.members)}.")
    return EnumValue(enum.type_name, name, number)


def _or(text: str, enum: Enumeration) -> int | None:
    """Names, unique prefixes or numbers, OR-ed where commas stand: also for enums that are no flags."""
    total = 0
    for part in text.split(","):
        number = _member(part.strip(), enum)
        if number is None:
            return None
        total |= number
    return total


def _member(text: str, enum: Enumeration) -> int | None:
    if not text:
        return None
    lowered = text.lower()
    by_name = {name.lower(): number for name, number in enum.members.items()}
    if lowered in by_name:
        return by_name[lowered]
    if lowered.lstrip("+-").isdecimal():
        return int(lowered)
    starts = [number for name, number in by_name.items() if name.startswith(lowered)]
    return starts[0] if len(starts) == 1 else None


def _time_span(value: object, spec: TypeSpec, function: bool) -> object:  # noqa: ARG001, FBT001
    if isinstance(value, timedelta):
        return value
    if isinstance(value, str):
        found = time_span_in_text(value)
        if found is not None:
            return found
    elif isinstance(value, int | Number) and not isinstance(value, bool):
        ticks = value.value if isinstance(value, Number) else value
        return timedelta(microseconds=ticks // TICKS_PER_MICROSECOND)
    raise _cannot(value, spec, "The text was not recognized as a valid TimeSpan.")


def _date_time(value: object, spec: TypeSpec, function: bool) -> object:  # noqa: ARG001, FBT001
    if isinstance(value, datetime):
        return value
    if isinstance(value, str):
        found = date_in_text(value)
        if found is not None:
            return found
    elif isinstance(value, int | Number) and not isinstance(value, bool):
        ticks = value.value if isinstance(value, Number) else value
        if ticks >= 0:
            # .NET counts from year 1 and has no zone.
            return datetime.min + timedelta(microseconds=ticks // TICKS_PER_MICROSECOND)
    raise _cannot(value, spec, "The text was not recognized as a valid DateTime.")


def _guid(value: object, spec: TypeSpec, function: bool) -> object:  # noqa: ARG001, FBT001
    if isinstance(value, str | uuid.UUID):
        try:
            return str(uuid.UUID(str(value).strip()))
        except ValueError:
            pass
    raise _cannot(value, spec, "Unrecognized Guid format.")


def _version(value: object, spec: TypeSpec, function: bool) -> object:  # noqa: ARG001, FBT001
    if value is None:
        return None
    text = value.strip() if isinstance(value, str) else ""
    parts = text.split(".")
    if 2 <= len(parts) <= 4 and all(part.isdecimal() for part in parts):  # noqa: PLR2004 - .NET's Version
        return text
    raise _cannot(value, spec, "Version string portion was too short or too long.")


def _xml(value: object, spec: TypeSpec, function: bool) -> object:  # noqa: ARG001, FBT001
    if value is None:
        return None
    if isinstance(value, str):
        try:
            return ET.tostring(ET.fromstring(value), encoding="unicode")  # noqa: S314 - the lab's own clients
        except ET.ParseError:
            pass
    raise _cannot(value, spec, "The text is no XML document.")


def _table(value: object, spec: TypeSpec, function: bool) -> object:  # noqa: ARG001, FBT001
    if value is None or isinstance(value, dict):
        return value
    raise _cannot(value, spec)


def _any(value: object, spec: TypeSpec, function: bool) -> object:  # noqa: ARG001, FBT001
    return value


def _cim_instance(value: object, spec: TypeSpec, function: bool) -> object:  # noqa: ARG001, FBT001
    if value is None:
        return None
    if isinstance(value, str):
        # Text makes an instance of a class of that name, which then is of the wrong class (cdxml-facts 3).
        if spec.cim_class is None:
            return CimInstance("", value, {})
        raise _cannot(value, spec, compiled_id=WRONG_OBJECT)
    if isinstance(value, CimInstance):
        if spec.cim_class is None or value.class_name.lower() == spec.cim_class.lower():
            return value
        raise _cannot(value, spec, compiled_id=WRONG_OBJECT)
    raise _cannot(value, spec)


def _cim_session(value: object, spec: TypeSpec, function: bool) -> object:  # noqa: ARG001, FBT001
    return None if value is None else text_of(value)


def _opaque(value: object, spec: TypeSpec, function: bool) -> object:  # noqa: ARG001, FBT001
    if value is None or (isinstance(value, PlainObject) and spec.name in _live_types(value)):
        return value
    raise _cannot(value, spec)


def _live_types(value: PlainObject) -> frozenset[str]:
    # What a client sends back carries the prefix and is rebuilt for the types that can be (PSCredential …).
    return frozenset(name.removeprefix("Deserialized.") for name in value.type_names)


_Convert = Callable[[object, TypeSpec, bool], object]
_SCALARS: Mapping[Kind, _Convert] = {
    Kind.TEXT: _text,
    Kind.INTEGER: _integer,
    Kind.REAL: _real,
    Kind.BOOLEAN: _boolean,
    Kind.SWITCH: _switch,
    Kind.ENUM: _enum,
    Kind.TIME_SPAN: _time_span,
    Kind.DATE_TIME: _date_time,
    Kind.GUID: _guid,
    Kind.VERSION: _version,
    Kind.XML: _xml,
    Kind.TABLE: _table,
    Kind.OBJECT: _any,
    Kind.CIM_INSTANCE: _cim_instance,
    Kind.CIM_SESSION: _cim_session,
    Kind.OPAQUE: _opaque,
}
