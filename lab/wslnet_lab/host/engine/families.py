"""The two ways PowerShell turns values into parameter types, and how each calls a failure (binder-facts 1).

Functions transform (also CDXML ones), compiled cmdlets coerce; common parameters are always coerced.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from wslnet_lab.host.engine.values import text_of

if TYPE_CHECKING:
    from wslnet_lab.host.engine.types import TypeSpec

NO_MESSAGE = "CannotConvertArgumentNoMessage"
MISMATCH = "CannotConvertArgument"
NULL_FOR_VALUE = "ParameterBindingFailed"
NO_ARGUMENT = "ParameterArgumentValidationErrorNullNotAllowed"
WRONG_OBJECT = "MismatchedPSTypeName"


class Family(Enum):
    """Who converts."""

    FUNCTION = "function"
    COMPILED = "compiled"


class ConversionError(Exception):
    """A value does not fit a type; `compiled_id` is the compiled family's id for it."""

    def __init__(self, message: str, compiled_id: str = NO_MESSAGE) -> None:
        super().__init__(message)
        self.compiled_id = compiled_id


def cannot(value: object, spec: TypeSpec, why: str = "", compiled_id: str = NO_MESSAGE) -> ConversionError:
    """The error for `value` not fitting `spec`."""
    tail = f' Error: "{why}"' if why else ""
    text = f'Cannot convert value "{text_of(value)}" to type "{spec.full_name}".{tail}'
    return ConversionError(text, compiled_id)
