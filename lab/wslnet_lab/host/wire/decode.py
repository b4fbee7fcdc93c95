"""Turns psrpcore's values into `contract` values: what a CreatePipeline message asks for.

Nothing is interpreted: names are not resolved and values not converted, that is the binder's work.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any

from psrpcore import types as ps

from wslnet_lab.host.contract import (
    Argument,
    CimInstance,
    CimValue,
    EnumValue,
    Invocation,
    Number,
    PlainObject,
    Statement,
)
from wslnet_lab.host.wire import mixml

_CIM_TYPE = re.compile(r"(?:Deserialized\.)?Microsoft\.Management\.Infrastructure\.CimInstance#(.+)/([^/]+)$")

_METADATA = ("Name", "Namespace", "HelpUri", "CommandType", "ResolvedCommandName", "OutputType", "Parameters")
_NUMBERS: dict[type, tuple[str, str]] = {
    ps.PSByte: ("By", "uint8"),
    ps.PSSByte: ("SB", "sint8"),
    ps.PSUInt16: ("U16", "uint16"),
    ps.PSInt16: ("I16", "sint16"),
    ps.PSUInt: ("U32", "uint32"),
    ps.PSInt: ("I32", "sint32"),
    ps.PSUInt64: ("U64", "uint64"),
    ps.PSInt64: ("I64", "sint64"),
}


def statements_of(commands: Iterable[object], *, errors_end_it: bool = False) -> tuple[Statement, ...]:
    """The statements of a pipeline from psrpcore's flat command list, cut where a statement ends.

    `errors_end_it` is a pipeline sent without RedirectShellErrorOutputPipe (jea-facts F).
    """
    statements: list[Statement] = []
    current: list[Invocation] = []
    for command in commands:
        current.append(replace(_invocation_of(command), errors_end_it=errors_end_it))
        if getattr(command, "end_of_statement", False):
            statements.append(tuple(current))
            current = []
    if current:
        statements.append(tuple(current))
    return tuple(statements)


def metadata_statements(names: Iterable[str], kinds: int) -> tuple[Statement, ...]:
    """What a GetCommandMetadata message stands for: how many commands there are, then each (jea-facts F).

    These are the very calls that the restricted Measure-Object and Select-Object are left for.
    """
    arguments = (
        Argument("Name", list(names)),
        Argument("CommandType", kinds),
        Argument("ErrorAction", "SilentlyContinue"),
    )
    asked = Invocation("Get-Command", arguments)
    count = Invocation("Select-Object", (Argument("Property", ["Count"]),))
    described = Invocation("Select-Object", (Argument("Property", list(_METADATA)),))
    return ((asked, Invocation("Measure-Object"), count), (asked, described))


def _invocation_of(command: object) -> Invocation:
    parameters: Iterable[tuple[object, object]] = getattr(command, "parameters", ())
    arguments = tuple(
        Argument(
            name=None if name is None else str(name),
            value=value_of(value),
        )
        for name, value in parameters
    )
    return Invocation(
        name=str(getattr(command, "command_text", "")),
        arguments=arguments,
        is_script=bool(getattr(command, "is_script", False)),
    )


def value_of(value: object) -> object:
    """A `contract` value; text-like .NET values (Guid, Version, Uri, ScriptBlock) become text."""
    for kinds, convert in _CONVERSIONS:
        if isinstance(value, kinds):
            return convert(value)
    return _object_of(value)


def _integer(value: int) -> object:
    kind = _NUMBERS.get(type(value), ("I32", ""))[0]
    return int(value) if kind == "I32" else Number(kind, int(value))


def _object_of(value: object) -> CimInstance | PlainObject:
    meta = getattr(value, "PSObject", None)
    names = tuple(str(name) for name in getattr(meta, "type_names", ()))
    adapted = {prop.name: prop.get_value(value) for prop in getattr(meta, "adapted_properties", ())}
    extended = {prop.name: prop.get_value(value) for prop in getattr(meta, "extended_properties", ())}
    text = getattr(meta, "to_string", None)
    return _cim_of(names, adapted, extended) or PlainObject(
        type_names=tuple(name.removeprefix("Deserialized.") for name in names) or ("System.Object",),
        properties={name: value_of(content) for name, content in adapted.items()},
        notes={name: value_of(content) for name, content in extended.items()},
        to_string=None if text is None else str(text),
    )


def _cim_of(
    names: tuple[str, ...], adapted: dict[str, object], extended: dict[str, object]
) -> CimInstance | None:
    """A CimInstance if the object's class can be read again (cdxml-facts 1.9), else None."""
    match = _CIM_TYPE.match(names[0]) if names else None
    metadata = _metadata_of(extended.get("__ClassMetadata"))
    declaration = mixml.read(metadata.get("MiXml", ""))
    if (
        match is None
        or declaration is None
        or not metadata.keys() >= {"ClassName", "Namespace", "ServerName", "Hash"}
    ):
        return None
    computer = adapted.pop("PSComputerName", None)
    return CimInstance(
        namespace=metadata["Namespace"],
        class_name=metadata["ClassName"],
        properties={
            name: _cim_value(declaration.types.get(name), content) for name, content in adapted.items()
        },
        keys=declaration.keys,
        friendly={name: value_of(note) for name, note in extended.items() if not name.startswith("__")},
        computer_name=None if computer is None else str(computer),
    )


def _metadata_of(note: object) -> dict[str, str]:
    items = note if isinstance(note, list) else []
    last = items[-1] if items else None
    meta = getattr(last, "PSObject", None)
    return {prop.name: str(prop.get_value(last)) for prop in getattr(meta, "extended_properties", ())}


def _cim_value(declared: str | None, content: object) -> CimValue:
    value = value_of(content)
    if isinstance(value, Number):
        value = value.value
    if isinstance(value, list):
        value = [item.value if isinstance(item, Number) else item for item in value]
    return CimValue(declared or _guessed_type(content), value)


def _guessed_type(content: object) -> str:
    match content:
        case bool():
            return "boolean"
        case int():
            return _NUMBERS.get(type(content), ("", "sint32"))[1]
        case timedelta():
            return "interval"
        case datetime():
            return "datetime"
        case list():
            return _guessed_type(content[0]) + "[]" if content else "string[]"
    return "string"


def _first_type(value: object) -> str:
    names = getattr(getattr(value, "PSObject", None), "type_names", None) or ("System.Enum",)
    return str(names[0]).removeprefix("Deserialized.")


_CONVERSIONS: tuple[tuple[Any, Callable[[Any], object]], ...] = (
    ((type(None), bool), lambda value: value),
    (Enum, lambda value: EnumValue(_first_type(value), value.name, int(value.value))),
    (ps.PSChar, lambda value: chr(int(value))),
    (ps.PSSecureString, lambda value: str(value.decrypt())),
    (int, _integer),
    ((float, Decimal), float),
    ((str, uuid.UUID, ps.PSVersion), str),
    (bytes, bytes),
    (timedelta, lambda value: timedelta(value.days, value.seconds, value.microseconds)),
    (datetime, lambda value: datetime.fromisoformat(value.isoformat())),
    (Mapping, lambda value: {value_of(key): value_of(content) for key, content in value.items()}),
    (list, lambda value: [value_of(item) for item in value]),
)
"""psrpcore's Python types in the order in which they are tried: some are subclasses of others."""
