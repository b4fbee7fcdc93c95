"""Entries of the call log in the shape of spec/cli.md's `lab log`."""

from __future__ import annotations

from datetime import datetime, timedelta

from wslnet_lab.host.contract import (
    CimInstance,
    EnumValue,
    Identity,
    Invocation,
    Number,
    PlainObject,
    Session,
    Statement,
)

_SECRET = frozenset({"password"})
_NAMES: dict[type, str] = {
    type(None): "null",
    bool: "Boolean",
    int: "Int32",
    float: "Double",
    str: "String",
    bytes: "Byte[]",
    list: "Object[]",
    dict: "Hashtable",
    timedelta: "TimeSpan",
    datetime: "DateTime",
}
_KINDS = {
    "By": "Byte",
    "SB": "SByte",
    "I16": "Int16",
    "U16": "UInt16",
    "I32": "Int32",
    "U32": "UInt32",
    "I64": "Int64",
    "U64": "UInt64",
}


def pipeline(
    statements: tuple[Statement, ...], session: Session, error_id: str | None, state: str
) -> dict[str, object]:
    """The entry of one pipeline; commands of all its statements in order."""
    return {
        "kind": "psrp",
        "identity": session.identity.user,
        "configuration": session.configuration,
        "commands": [
            {**_command(invocation), "statement": number}
            for number, statement in enumerate(statements)
            for invocation in statement
        ],
        "argv": None,
        "error_id": error_id,
        "state": state,
    }


def native(
    argv: tuple[str, ...], identity: Identity, exit_code: int | None, state: str, kind: str = "winrs"
) -> dict[str, object]:
    """The entry of one native program, over WinRS or `local`; `exit_code` None if it never ended."""
    return {
        "kind": kind,
        "identity": identity.user,
        "configuration": None,
        "commands": [],
        "argv": list(argv),
        "error_id": None,
        "state": state,
        "exit_code": exit_code,
    }


def _command(invocation: Invocation) -> dict[str, object]:
    parameters: dict[str, object] = {}
    position = 0
    for argument in invocation.arguments:
        name = argument.name
        if name is None:
            name, position = str(position), position + 1
        value = None if name.lower() in _SECRET else _shown(argument.value)
        parameters[name] = {"type": _type_of(argument.value), "value": value}
    return {"name": invocation.name, "script": invocation.is_script, "parameters": parameters}


def _type_of(value: object) -> str:
    match value:
        case Number():
            return _KINDS[value.kind]
        case EnumValue():
            return value.type_name
        case CimInstance():
            return f"CimInstance#{value.class_name}"
        case PlainObject():
            return value.type_names[0]
    return _NAMES.get(type(value), type(value).__name__)


def _shown(value: object) -> object:
    """The value as JSON: objects by their keys or their text."""
    match value:
        case list():
            return [_shown(item) for item in value]
        case dict():
            return {str(key): _shown(item) for key, item in value.items()}
        case Number():
            return value.value
        case CimInstance():
            return {key: _shown(value.properties[key].value) for key in value.keys if key in value.properties}
        case None | bool() | int() | float() | str():
            return value
    return _text_of(value)


def _text_of(value: object) -> str:
    match value:
        case EnumValue():
            return value.name
        case PlainObject():
            return value.to_string or value.type_names[0]
    return str(value)
