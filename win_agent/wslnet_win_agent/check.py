"""Checks a call against Windows' own signature before it exists.

Full names in Windows' spelling only, since abbreviations and aliases bind in silence (binder-facts 3);
values of the declared type; one parameter set that takes them all. It knows nothing of rights or selectors.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .crossing import Scalar, Value, Wide
from .errors import CallRefused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .catalogue import Cmdlet, Parameter

_RANGES = {
    "byte": range(2**8),
    "uint16": range(2**16),
    "uint32": range(2**32),
    "uint64": range(2**64),
    "int": range(-(2**31), 2**31),
    "int32": range(-(2**31), 2**31),
    "int64": range(-(2**63), 2**63),
}
_FLAG_ENUMS = frozenset({"profile"})
"""Enums whose members may be joined by a comma (`Domain,Private`)."""


def check_call(signature: Cmdlet, parameters: Mapping[str, Value]) -> None:
    """Check names, values and the parameter set.

    Raises:
        CallRefused: the first thing that is wrong, in one line.
    """
    for name, value in parameters.items():
        if type(name) is not str or name not in signature.parameters:
            raise CallRefused(f"{signature.name} has no parameter {name!r} (full names only)")
        _check_value(signature, signature.parameters[name], value)
    given = frozenset(parameters)
    if not any(each.required <= given <= each.parameters for each in signature.sets):
        names = ", ".join(sorted(given)) or "nothing"
        raise CallRefused(f"{signature.name} cannot be called with {names}")


def _check_value(signature: Cmdlet, parameter: Parameter, value: Value) -> None:
    where = f"{signature.name} -{parameter.name}"
    if not isinstance(value, list):
        _check_scalar(where, parameter, value)
        return
    if not parameter.is_list:
        raise CallRefused(f"{where} takes one value, not a list")
    if not value:
        raise CallRefused(f"{where}: an empty list would match nothing, or everything")
    for each in value:
        _check_scalar(where, parameter, each)


def _check_scalar(where: str, parameter: Parameter, value: Scalar) -> None:
    kind = parameter.type_name
    if kind in {"switchparameter", "boolean"}:
        fits = type(value) is bool
    elif kind in _RANGES:
        number = value.value if isinstance(value, Wide) else value
        fits = type(number) is int and number in _RANGES[kind]
    elif kind == "object":
        fits = type(value) in {bytes, str, int}
    elif parameter.values:
        fits = type(value) is str and _is_member(kind, value, parameter.values)
    elif kind in {"string", "timespan"}:
        fits = type(value) is str
    else:
        raise CallRefused(f"{where} takes {parameter.type_name}, which cannot be made from plain data")
    if not fits:
        allowed = f" (one of {', '.join(parameter.values)})" if parameter.values else f" ({kind})"
        raise CallRefused(f"{where} does not take {value!r}{allowed}")


def _is_member(kind: str, value: str, names: tuple[str, ...]) -> bool:
    if kind in _FLAG_ENUMS:
        return all(part in names for part in value.split(","))
    return value in names
