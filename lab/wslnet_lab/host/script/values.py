"""Values as scripts hold them beside those of `contract`, and what PowerShell makes of any value.

Text, truth, type name and enumeration; no scope and no command is known here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, ClassVar

from wslnet_lab.host.contract import CimInstance, EnumValue, ErrorDetails, Number, PlainObject
from wslnet_lab.host.engine import values as engine_values

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from wslnet_lab.host.script.scopes import Frame
    from wslnet_lab.host.script.syntax import Block

CUSTOM = "System.Management.Automation.PSCustomObject"
_NUMBER_TYPES = {
    "By": "System.Byte",
    "U16": "System.UInt16",
    "I32": "System.Int32",
    "U32": "System.UInt32",
    "I64": "System.Int64",
    "U64": "System.UInt64",
}


class Array(list[object]):
    """A .NET array; a plain list is the ArrayList that a client's list arrives as (jea-facts E)."""

    type_name = "System.Object[]"

    @classmethod
    def of(cls, items: Iterable[object], type_name: str = "System.Object[]") -> Array:
        """An array of the items with that type."""
        made = cls(items)
        made.type_name = type_name
        return made


class Guid(str):
    """A [guid], as its text."""

    __slots__ = ()


class Address(str):
    """A [System.Net.IPAddress], as its text."""

    __slots__ = ()


@dataclass(frozen=True)
class Switch:
    """A [switch] as `$PSBoundParameters` holds it; the variable of the parameter is its Boolean."""

    present: bool


class Ordered(dict[object, object]):
    """An ordered dictionary."""


@dataclass(frozen=True)
class TypeValue:
    """A type as a value."""

    full_name: str


@dataclass(frozen=True)
class ScriptBlock:
    """A block as a value; `home` is the scope of the module it came from, if any.

    `type_name` lets it bind to parameters of that type; what a client sends never does (jea-facts D).
    """

    block: Block
    home: Frame | None = None
    type_name: ClassVar[str] = "System.Management.Automation.ScriptBlock"


@dataclass(frozen=True)
class ExceptionValue:
    """A .NET exception."""

    type_name: str
    message: str


@dataclass(frozen=True)
class Opaque:
    """An object of the host with a few properties and methods."""

    type_name: str
    properties: Mapping[str, object] = field(default_factory=dict)
    methods: Mapping[str, Callable[..., object]] = field(default_factory=dict)


def text_of(value: object) -> str:
    """The text in a string: arrays joined by blanks, custom objects as `@{a=1}`."""
    match value:
        case list() | tuple():
            return " ".join(text_of(item) for item in value)
        case PlainObject() if value.to_string is None and value.type_names[0] == CUSTOM:
            held = {**value.properties, **value.notes}
            return "@{" + "; ".join(f"{name}={text_of(item)}" for name, item in held.items()) + "}"
        case TypeValue(full_name=text) | Opaque(type_name=text):
            return text
        case ErrorDetails(message=text) | ExceptionValue(message=text):
            return text
        case ScriptBlock() | Ordered():
            return value.block.text if isinstance(value, ScriptBlock) else type_of(value)
    return engine_values.text_of(value.present if isinstance(value, Switch) else value)


def truth_of(value: object) -> bool:
    """What a condition takes a value for."""
    match value:
        case None | False | "" | 0:
            return False
        case Number(value=held):
            return held != 0
        case Switch():
            return value.present
        case list() | tuple():
            return truth_of(value[0]) if len(value) == 1 else bool(value)
    return True


def type_of(value: object) -> str:
    """The full .NET type name of a value that is not null."""
    match value:
        case Array():
            return value.type_name
        case Number(kind=kind):
            return _NUMBER_TYPES[kind]
        case EnumValue(type_name=name) | Opaque(type_name=name) | ExceptionValue(type_name=name):
            return name
        case PlainObject():
            # Whatever a client says an object is, it arrives as a bag of properties (jea-facts E).
            return CUSTOM
    return next((full for kind, full in _PLAIN_TYPES if isinstance(value, kind)), type(value).__name__)


_PLAIN_TYPES: tuple[tuple[type, str], ...] = (
    (bool, "System.Boolean"),
    (int, "System.Int32"),
    (float, "System.Double"),
    (Guid, "System.Guid"),
    (Address, "System.Net.IPAddress"),
    (Switch, "System.Management.Automation.SwitchParameter"),
    (str, "System.String"),
    (bytes, "System.Byte[]"),
    (list, "System.Collections.ArrayList"),
    (Ordered, "System.Collections.Specialized.OrderedDictionary"),
    (dict, "System.Collections.Hashtable"),
    (timedelta, "System.TimeSpan"),
    (datetime, "System.DateTime"),
    (ScriptBlock, "System.Management.Automation.ScriptBlock"),
    (TypeValue, "System.RuntimeType"),
    (ErrorDetails, "System.Management.Automation.ErrorRecord"),
    (CimInstance, "Microsoft.Management.Infrastructure.CimInstance"),
)


def enumerated(value: object) -> list[object]:
    """What a value puts into a pipeline: the items of an array, nothing for an empty one."""
    if isinstance(value, list | tuple):
        return list(value)
    return [value]


def collapsed(items: list[object]) -> object:
    """What a variable gets of a pipeline's output: nothing, the one item, or an array."""
    if not items:
        return None
    return items[0] if len(items) == 1 else Array.of(items)


def custom_object(pairs: Mapping[object, object]) -> PlainObject:
    """What `[pscustomobject]@{…}` makes; a `PSTypeName` becomes its type."""
    notes = {text_of(name): value for name, value in pairs.items()}
    kind = notes.pop("PSTypeName", None)
    types = (CUSTOM, "System.Object") if kind is None else (text_of(kind), CUSTOM, "System.Object")
    return PlainObject(types, {}, notes)
