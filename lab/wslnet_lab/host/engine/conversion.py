"""Values to parameter types: the table of conversions, and what goes for arrays (binder-facts 4).

`convert` gives the value that a parameter would hold; what fails raises `ConversionError`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from wslnet_lab.host.engine import plain_conversions as plain
from wslnet_lab.host.engine import typed_conversions as typed
from wslnet_lab.host.engine.families import MISMATCH, WRONG_OBJECT, ConversionError, Family, cannot
from wslnet_lab.host.engine.types import Kind

if TYPE_CHECKING:
    from wslnet_lab.host.engine.types import TypeSpec


def convert(value: object, spec: TypeSpec, family: Family) -> object:
    """The value as `spec` holds it; array types give lists.

    Raises:
        ConversionError: It cannot be converted.
    """
    if spec.depth == 0:
        if family is Family.COMPILED and isinstance(value, list | tuple) and spec.kind not in _TAKE_LISTS:
            raise cannot(value, spec, compiled_id=MISMATCH)
        return _SCALARS[spec.kind](value, spec, family)
    if value is None:
        # A null bool[] is refused though every other null array is taken (cdxml-facts 3).
        if spec.kind is Kind.BOOLEAN and family is Family.FUNCTION:
            raise cannot(value, spec)
        return None
    items = list(value) if isinstance(value, list | tuple | bytes) else [value]
    return _each(items, spec.element(), family)


def _each(items: list[object], spec: TypeSpec, family: Family) -> list[object]:
    """Every item converted; that one is of the wrong class is only seen once all could be made instances."""
    converted: list[object] = []
    wrong: ConversionError | None = None
    for item in items:
        try:
            converted.append(convert(item, spec, family))
        except ConversionError as error:
            if error.compiled_id != WRONG_OBJECT:
                raise
            wrong = wrong or error
    if wrong is not None:
        raise wrong
    return converted


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
    if spec.kind is Kind.OPAQUE:
        return spec.name in typed.live_types(value)
    exact: dict[Kind, type] = {
        Kind.BOOLEAN: bool,
        Kind.TIME_SPAN: timedelta,
        Kind.DATE_TIME: datetime,
        Kind.TABLE: dict,
    }
    return spec.kind in exact and isinstance(value, exact[spec.kind])


# A compiled cmdlet refuses a list for any other scalar before it looks at the type (binder-facts 1 and 4).
_TAKE_LISTS = frozenset({Kind.OBJECT, Kind.ENUM})
_Convert = Callable[[object, "TypeSpec", Family], object]
_SCALARS: Mapping[Kind, _Convert] = {
    Kind.TEXT: plain.to_text,
    Kind.INTEGER: plain.to_integer,
    Kind.REAL: plain.to_real,
    Kind.BOOLEAN: plain.to_boolean,
    Kind.SWITCH: plain.to_switch,
    Kind.ENUM: plain.to_enum,
    Kind.TIME_SPAN: typed.to_time_span,
    Kind.DATE_TIME: typed.to_date_time,
    Kind.GUID: typed.to_guid,
    Kind.VERSION: typed.to_version,
    Kind.ADDRESS: typed.to_address,
    Kind.XML: typed.to_xml,
    Kind.TABLE: typed.to_table,
    Kind.OBJECT: typed.to_any,
    Kind.CIM_INSTANCE: typed.to_cim_instance,
    Kind.CIM_SESSION: typed.to_cim_session,
    Kind.OPAQUE: typed.to_opaque,
}
