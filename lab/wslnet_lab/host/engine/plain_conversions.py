"""Conversions of text, numbers, Booleans and enums (binder-facts 4). Each raises `ConversionError`."""

from __future__ import annotations

import math
import re
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING

from wslnet_lab.host.contract import EnumValue, Number
from wslnet_lab.host.engine.families import (
    MISMATCH,
    NO_ARGUMENT,
    NO_MESSAGE,
    NULL_FOR_VALUE,
    ConversionError,
    Family,
    cannot,
)
from wslnet_lab.host.engine.values import number_in_text, text_of

if TYPE_CHECKING:
    from wslnet_lab.host.engine.enums import Enumeration
    from wslnet_lab.host.engine.types import TypeSpec

_NUMBER = re.compile(r"\s*[+-]?[0-9]{1,20}\s*")


def to_text(value: object, spec: TypeSpec, family: Family) -> object:
    """[string] takes everything; [uri], [wildcardpattern] and the like are made of text alone."""
    if spec.name != "System.String":
        if value is None or isinstance(value, str):
            return value
        raise cannot(value, spec)
    if value is None and family is Family.COMPILED:
        return None
    return text_of(value)


def to_integer(value: object, spec: TypeSpec, family: Family) -> object:
    """Integers of any width."""
    if value is None:
        return _null(spec, family, 0)
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
        raise cannot(value, spec, compiled_id=NO_ARGUMENT)
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
        number = _parsed(",".join(text_of(item) for item in value), enum)
    elif isinstance(value, str):
        number = _parsed(value, enum)
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


def _parsed(text: str, enum: Enumeration) -> int | None:
    """A number alone, or names with commas between (OR-ed, also for enums that are no flags), or a beginning.

    A beginning counts only as the whole text, which .NET's own reading of names did not take before.
    """
    if _NUMBER.fullmatch(text):
        return int(text)
    by_name = {name.lower(): number for name, number in enum.members.items()}
    named = [by_name.get(part.strip().lower()) for part in text.split(",")]
    numbers = [number for number in named if number is not None]
    if len(numbers) == len(named):
        return reduce(or_, numbers)
    starts = [number for name, number in by_name.items() if text and name.startswith(text.lower())]
    return starts[0] if len(starts) == 1 else None
