"""Type names of scripts, and conversion of values to them by the engine's own table."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from wslnet_lab.host.contract import Category, CommandError, ErrorDetails, Number
from wslnet_lab.host.engine.conversion import convert
from wslnet_lab.host.engine.families import ConversionError, Family
from wslnet_lab.host.engine.types import Kind, TypeSpec, parse_type
from wslnet_lab.host.script.syntax import NotInTheLab
from wslnet_lab.host.script.values import Address, Array, Guid, Ordered, custom_object

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wslnet_lab.host.script.syntax import TypeName

_SHORT = {
    "switch": "SwitchParameter",
    "bool": "Boolean",
    "long": "Int64",
    "uint": "UInt32",
    "xml": "XmlDocument",
    "ipaddress": "Net.IPAddress",
}
_ENUMS: Mapping[str, tuple[str, ...]] = {
    "DayOfWeek": ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"),
}
_KNOWN = frozenset(
    {
        *(
            "string",
            "int",
            "int32",
            "uint16",
            "uint32",
            "int64",
            "byte",
            "double",
            "boolean",
            "guid",
            "object",
        ),
        *(
            "switchparameter",
            "scriptblock",
            "hashtable",
            "datetime",
            "timespan",
            "version",
            "psobject",
            "uri",
        ),
        *("xmldocument", "ciminstance", "net.ipaddress"),
    }
)
_WIDTHS = {
    "System.Byte": "By",
    "System.UInt16": "U16",
    "System.UInt32": "U32",
    "System.Int64": "I64",
}


def spec_of(name: TypeName | None) -> TypeSpec:
    """What a parameter of that type takes; without a type, any object.

    Raises:
        NotInTheLab: The lab does not know the type.
    """
    if name is None:
        return TypeSpec(Kind.OBJECT, "System.Object")
    plain = re.sub(r"^(System\.)?(Management\.Automation\.)?", "", name.name)
    base, brackets = plain.removesuffix("[]"), "[]" * plain.count("[]")
    base = _SHORT.get(base.lower(), base)
    values = next((values for known, values in _ENUMS.items() if known.lower() == base.lower()), ())
    if not values and base.lower() not in _KNOWN:
        raise NotInTheLab(f"the type [{name.name}]")
    if values:
        base = next(known for known in _ENUMS if known.lower() == base.lower())
    return parse_type(base + brackets, values, module="", command="")


def held(value: object, spec: TypeSpec) -> object:
    """A converted value as a script sees it: with the type it was converted to."""
    if spec.depth:
        if not isinstance(value, list):
            return value
        return Array.of((held(item, spec.element()) for item in value), spec.full_name)
    if spec.kind is Kind.GUID and isinstance(value, str):
        return Guid(value)
    if spec.kind is Kind.ADDRESS and isinstance(value, str):
        return Address(value)
    if spec.name in _WIDTHS and isinstance(value, int):
        return Number(_WIDTHS[spec.name], value)
    return value


def cast(name: TypeName, value: object) -> object:
    """`[name]value`.

    Raises:
        CommandError: The value does not fit.
        NotInTheLab: The lab does not know the type.
    """
    lowered = name.name.lower()
    if lowered in ("pscustomobject", "management.automation.pscustomobject") and isinstance(value, dict):
        return custom_object(value)
    if lowered == "ordered" and isinstance(value, dict):
        return Ordered(value)
    if lowered == "void":
        return Array()
    spec = spec_of(name)
    try:
        return held(convert(value, spec, Family.FUNCTION), spec)
    except ConversionError as error:
        details = ErrorDetails("InvalidCastFromStringToInteger", Category.INVALID_ARGUMENT, str(error))
        raise CommandError(details) from error
