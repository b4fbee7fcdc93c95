"""What is checked of a converted value: validation attributes first, then the guard of mandatory parameters.

The attributes are the oracle's (`engine_validation`, value lists of text) and those CDXML adds
(cdxml-facts 2).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from wslnet_lab.host.engine.errors import VALIDATION, binding_error
from wslnet_lab.host.engine.types import Kind
from wslnet_lab.host.engine.values import text_of

if TYPE_CHECKING:
    from wslnet_lab.host.contract import CommandError
    from wslnet_lab.host.engine.signatures import Parameter, Signature

_RANGE = re.compile(r"ValidateRange\((-?\d+),(-?\d+)\)")


def check_value(signature: Signature, parameter: Parameter, value: object) -> None:
    """Checks a converted value.

    Raises:
        CommandError: One of the `ParameterArgumentValidationError…` ids.
    """
    for attribute in parameter.validation:
        _check_attribute(signature, parameter, attribute, value)
    if parameter.accepted:
        accepted = {text.lower() for text in parameter.accepted}
        for item in _items(value):
            if text_of(item).lower() not in accepted or item is None:
                raise _refused(signature, parameter, f"it is none of {','.join(parameter.accepted)}")
        if value is None:
            raise _refused(signature, parameter, "it is null")
    for check in parameter.checks:
        why = check(value)
        if why is not None:
            raise _refused(signature, parameter, why)
    if parameter.mandatory_somewhere:
        _check_mandatory(signature, parameter, value)


def _check_attribute(signature: Signature, parameter: Parameter, attribute: str, value: object) -> None:
    refuses_empty = attribute == "ValidateNotNullOrEmpty"
    if refuses_empty or attribute == "ValidateNotNull":
        if value is None or any(item is None for item in _items(value)):
            raise _refused(signature, parameter, "it is null")
        if refuses_empty and (value in ("", []) or any(item == "" for item in _items(value))):
            raise _refused(signature, parameter, "it is empty")
    found = _RANGE.fullmatch(attribute)
    if found and value is None:
        raise _refused(signature, parameter, "it is null")
    if found:
        low, high = int(found[1]), int(found[2])
        for item in _items(value):
            if isinstance(item, int) and not low <= item <= high:
                raise _refused(signature, parameter, f"{item} is not between {low} and {high}")


def _check_mandatory(signature: Signature, parameter: Parameter, value: object) -> None:
    if value is None and "AllowNull" not in parameter.validation:
        raise _empty(signature, parameter, "Null")
    texts = parameter.type.kind is Kind.TEXT and parameter.type.name == "System.String"
    if value == "" and texts and "AllowEmptyString" not in parameter.validation:
        raise _empty(signature, parameter, "EmptyString")
    if not parameter.type.depth or not isinstance(value, list):
        return
    if not value and "AllowEmptyCollection" not in parameter.validation:
        raise _empty(signature, parameter, "EmptyArray")
    for item in value:
        if item is None and "AllowNull" not in parameter.validation:
            raise _empty(signature, parameter, "Null")
        if item == "" and texts and "AllowEmptyString" not in parameter.validation:
            raise _empty(signature, parameter, "EmptyString")


def _items(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]


def _refused(signature: Signature, parameter: Parameter, why: str) -> CommandError:
    text = f"Cannot validate argument on parameter '{parameter.name}'. The argument is refused: {why}."
    return binding_error(signature, VALIDATION, text)


def _empty(signature: Signature, parameter: Parameter, what: str) -> CommandError:
    text = f"Cannot bind argument to parameter '{parameter.name}' because it is {what}."
    return binding_error(signature, f"{VALIDATION}{what}NotAllowed", text)
