"""Conversions of text, numbers, Booleans and enums (binder-facts 4). Each raises `ConversionError`."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from wslnet_lab.host.contract import EnumValue, Number
from wslnet_lab.host.engine.families import (
    MISMATCH,
    NO_MESSAGE,
    NULL_FOR_VALUE,
    ConversionError,
    Family,
    cannot,
    refuse_list,
)
from wslnet_lab.host.engine.values import number_in_text, text_of

if TYPE_CHECKING:
    from wslnet_lab.host.engine.enums import Enumeration
    from wslnet_lab.host.engine.types import TypeSpec


def to_text(value: object, spec: TypeSpec, family: Family) -> object:
    """[string], [uri] and the like."""
    if family is Family.FUNCTION:
        return text_of(value)
    if value is None:
        return None
    refuse_list(value, spec)
    return text_of(value)


def to_integer(value: object, spec: TypeSpec, family: Family) -> object:
    """Integers of any width."""
    if value is None:
        return _null(spec, family, 0)
    refuse_list(value, spec)
    number = whole_number(value)
    if number is None:
        raise cannot(value, spec, "The input string was not in a correct format.")
    low, high = spec.bounds
    if not low <= number <= high:
        raise cannot(value, spec, "Value was either too large or too small.")
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


def to_real(value: object, spec: TypeSpec, family: Family) -> object:
    """[double]."""
    if value is None:
        return _null(spec, family, 0.0)
    refuse_list(value, spec)
    if isinstance(value, float):
        return value
    if isinstance(value, str) and value.strip():
        try:
            return float(value)
        except ValueError:
            pass
    number = whole_number(value)
    if number is None:
        raise cannot(value, spec, "The input string was not in a correct format.")
    return float(number)


def to_boolean(value: object, spec: TypeSpec, family: Family) -> object:
    """[bool]: any number, never text."""
    if value is None and family is Family.COMPILED:
        raise cannot(value, spec, compiled_id=NULL_FOR_VALUE)
    if isinstance(value, Number):
        return bool(value.value)
    if isinstance(value, bool | int | float):
        return bool(value)
    raise cannot(value, spec, "Only a Boolean or a number is taken.", MISMATCH)


def to_switch(value: object, spec: TypeSpec, family: Family) -> object:
    """[switch]: functions take only a Boolean, compiled cmdlets numbers too."""
    if value is None:
        return family is Family.COMPILED
    if isinstance(value, bool):
        return value
    if family is Family.COMPILED and isinstance(value, Number | int | float):
        return bool(value.value if isinstance(value, Number) else value)
    raise cannot(value, spec, "Only a Boolean is taken.", MISMATCH)


def to_enum(value: object, spec: TypeSpec, family: Family) -> object:
    """Enums: names, unique beginnings, defined numbers; a list is OR-ed, also for enums that are no flags."""
    enum = spec.enum
    if enum is None:
        raise ConversionError(f"{spec.name} has no members")
    if value is None:
        compiled_id = NO_MESSAGE if family is Family.FUNCTION else NULL_FOR_VALUE
        raise cannot(value, spec, f"one of {', '.join(enum.members)}", compiled_id)
    if isinstance(value, bool):
        raise cannot(value, spec, "Invalid cast from 'System.Boolean'.")
    if isinstance(value, list | tuple):
        number = _or(",".join(text_of(item) for item in value), enum)
    elif isinstance(value, str):
        number = _or(value, enum)
    else:
        number = whole_number(value)
    name = enum.name_of(number) if number is not None else None
    if number is None or name is None:
        raise cannot(value, spec, f"Specify one of the following: {', '.join(enum.members)}.")
    return EnumValue(enum.type_name, name, number)


def _null(spec: TypeSpec, family: Family, zero: object) -> object:
    """Null for a value type: zero in functions; the setter of a compiled cmdlet fails."""
    if family is Family.FUNCTION:
        return zero
    raise cannot(None, spec, "null cannot be assigned to a value type", NULL_FOR_VALUE)


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
