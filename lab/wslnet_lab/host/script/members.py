"""Properties and methods of values: those that PowerShell shows, as far as bodies use them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from wslnet_lab.host.contract import CimValue, ErrorDetails, Number, PlainObject
from wslnet_lab.host.engine.piping import properties_of
from wslnet_lab.host.script.operators import null_error, number_of, runtime_error
from wslnet_lab.host.script.syntax import NotInTheLab
from wslnet_lab.host.script.values import (
    Array,
    ExceptionValue,
    Guid,
    Opaque,
    ScriptBlock,
    TypeValue,
    enumerated,
    text_of,
    type_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def is_method(value: object, name: str) -> bool:
    """Whether `value.name` is a method that the lab knows, and no property."""
    lowered = name.lower()
    return (
        lowered in _METHODS
        and lowered not in ("count", "length")
        and not isinstance(value, dict | PlainObject)
    )


def member(value: object, name: str) -> object:
    """`value.name`; null for what is not there, as without strict mode.

    Raises:
        NotInTheLab: It would be a method as a value.
    """
    lowered = name.lower()
    if is_method(value, name):
        raise NotInTheLab(f"the method {name} as a value")
    match value:
        case dict():
            found = [held for key, held in value.items() if text_of(key).lower() == lowered]
            return (
                found[0]
                if found
                else {"keys": Array.of(value), "values": Array.of(value.values()), "count": len(value)}.get(
                    lowered
                )
            )
        case Opaque():
            return {key.lower(): held for key, held in value.properties.items()}.get(lowered)
        case list() | tuple() if lowered not in ("count", "length"):
            items = [held for item in value if (held := member(item, name)) is not None]
            return Array.of(items) if len(items) != 1 else items[0]
        case TypeValue() if lowered not in _named_of(value):
            raise NotInTheLab(f"the member {name} of a type")
        case ErrorDetails() | ExceptionValue() | TypeValue():
            return _named_of(value).get(lowered)
    return _of_object(value, lowered)


def _of_object(value: object, lowered: str) -> object:
    found = properties_of(value)
    if lowered in found:
        held = found[lowered]
        return held.value if isinstance(held, CimValue) else held
    if lowered in ("count", "length"):
        if lowered == "length" and isinstance(value, str | bytes):
            return len(value)
        if isinstance(value, ScriptBlock):
            return len(value.block.text)
        return 0 if value is None else len(enumerated(value))
    return None


def _named_of(value: ErrorDetails | ExceptionValue | TypeValue) -> Mapping[str, object]:
    if isinstance(value, ExceptionValue):
        return {"message": value.message}
    if isinstance(value, TypeValue):
        return {"fullname": value.full_name, "name": value.full_name.rpartition(".")[2]}
    exception = ExceptionValue(value.exception_types[0], value.message)
    category = value.category.name.title().replace("_", "")
    info = Opaque(
        "System.Management.Automation.ErrorCategoryInfo", {"Category": category, "Reason": value.reason}
    )
    return {
        "exception": exception,
        "fullyqualifiederrorid": value.fqid,
        "categoryinfo": info,
        "targetobject": value.target_object,
    }


def set_member(value: object, name: object, held: object) -> None:
    """`value.name = held` and `value[name] = held`.

    Raises:
        NotInTheLab: It is neither a table nor an array.
    """
    if isinstance(value, dict):
        key = next((each for each in value if text_of(each).lower() == text_of(name).lower()), name)
        value[key] = held
    elif isinstance(value, list):
        value[int(number_of(name))] = held
    else:
        raise NotInTheLab(f"assigning to a member of {type_of(value)}")


def index(value: object, key: object) -> object:
    """`value[key]`; null for what is not there.

    Raises:
        CommandError: The value is null.
    """
    if value is None:
        raise null_error("NullArray", "Cannot index into a null array.")
    if isinstance(value, dict):
        return next(
            (held for each, held in value.items() if text_of(each).lower() == text_of(key).lower()), None
        )
    if isinstance(value, Opaque):
        return {each.lower(): held for each, held in value.properties.items()}.get(text_of(key).lower())
    if isinstance(key, list):
        return Array.of(index(value, each) for each in key)
    items = value if isinstance(value, str | list | tuple | bytes) else [value]
    at = int(number_of(key))
    return items[at] if -len(items) <= at < len(items) else None


def call(value: object, name: str, arguments: list[object]) -> object:
    """`value.name(arguments)`.

    Raises:
        CommandError: The value is null, or the method fails.
        NotInTheLab: The method is not known to the lab.
    """
    if value is None:
        raise null_error("InvokeMethodOnNull", "You cannot call a method on a null-valued expression.")
    if isinstance(value, Opaque):
        own = {each.lower(): method for each, method in value.methods.items()}.get(name.lower())
        if own is not None:
            return own(*arguments)
    method = _METHODS.get(name.lower())
    if method is None:
        raise NotInTheLab(f"the method {name} of {type_of(value)}")
    return method(value, *arguments)


def _to_string(value: object, kind: object = "") -> str:
    if isinstance(value, Guid):
        return {"b": f"{{{value}}}", "n": value.replace("-", "")}.get(text_of(kind).lower(), str(value))
    if kind and isinstance(value, int | Number):
        return format(int(number_of(value)), {"x": "x", "x2": "02x"}.get(text_of(kind).lower(), "d"))
    return text_of(value)


def _substring(value: object, start: object, length: object = None) -> str:
    text, first = text_of(value), int(number_of(start))
    last = len(text) if length is None else first + int(number_of(length))
    if not 0 <= first <= last <= len(text):
        raise runtime_error("Index and length must refer to a location within the string.")
    return text[first:last]


def _contains_key(value: object, key: object) -> bool:
    return isinstance(value, dict) and any(text_of(each).lower() == text_of(key).lower() for each in value)


def _split(value: object, separators: object) -> Array:
    text = "|".join(re.escape(text_of(each)) for each in enumerated(separators))
    return Array.of(re.split(text, text_of(value)), "System.String[]")


_METHODS: Mapping[str, Callable[..., object]] = {
    "gettype": lambda value: TypeValue(type_of(value)),
    "tostring": _to_string,
    "toupper": lambda value: text_of(value).upper(),
    "tolower": lambda value: text_of(value).lower(),
    "toupperinvariant": lambda value: text_of(value).upper(),
    "tolowerinvariant": lambda value: text_of(value).lower(),
    "trim": lambda value: text_of(value).strip(),
    "trimend": lambda value, *what: text_of(value).rstrip("".join(map(text_of, what)) or None),
    "startswith": lambda value, start: text_of(value).startswith(text_of(start)),
    "endswith": lambda value, end: text_of(value).endswith(text_of(end)),
    "substring": _substring,
    "split": _split,
    "containskey": _contains_key,
    "replace": lambda value, old, new: text_of(value).replace(text_of(old), text_of(new)),
    "contains": lambda value, part: text_of(part) in text_of(value),
}
