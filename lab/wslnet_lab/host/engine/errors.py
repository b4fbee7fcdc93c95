"""The error records that the engine itself writes (binder-facts 1): ids, categories, exception types, texts.

Texts are our own short English; only ids, categories and types are the engine's, as callers may match no
text.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from wslnet_lab.host.contract import Category, CommandError, ErrorDetails

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wslnet_lab.host.engine.signatures import Signature

_SMA = "System.Management.Automation"
_BINDING = (f"{_SMA}.ParameterBindingException", "System.SystemException", "System.Exception")
_ENGINE_OWN = (
    f"{_SMA}.ParameterBinding",
    f"{_SMA}.CommandNotFoundException",
    f"{_SMA}.MethodInvocationException",
    f"{_SMA}.RuntimeException",
    f"{_SMA}.PSInvalidOperationException",
)
_TRANSFORMATION = (f"{_SMA}.ParameterBindingArgumentTransformationException", *_BINDING)
_VALIDATION = (f"{_SMA}.ParameterBindingValidationException", *_BINDING)
_NOT_FOUND = (f"{_SMA}.CommandNotFoundException", f"{_SMA}.RuntimeException")
_PARENT = (f"{_SMA}.ParentContainsErrorRecordException", "System.SystemException")

TRANSFORMATION = "ParameterArgumentTransformationError"
VALIDATION = "ParameterArgumentValidationError"
AMBIGUOUS_SET = "AmbiguousParameterSet"
_CATEGORIES = {
    TRANSFORMATION: Category.INVALID_DATA,
    VALIDATION: Category.INVALID_DATA,
    f"{VALIDATION}NullNotAllowed": Category.INVALID_DATA,
    f"{VALIDATION}EmptyStringNotAllowed": Category.INVALID_DATA,
    f"{VALIDATION}EmptyArrayNotAllowed": Category.INVALID_DATA,
    "ParameterBindingFailed": Category.WRITE_ERROR,
}


def short_name(exception_type: str) -> str:
    """The class name without its namespace, as records carry it in Reason."""
    return exception_type.rpartition(".")[2]


def binding_error(signature: Signature, error_id: str, message: str) -> CommandError:
    """A failed binding of `signature`: terminating, id with the command's tail."""
    types: tuple[str, ...]
    if error_id == TRANSFORMATION:
        types = _TRANSFORMATION
    elif error_id.startswith(VALIDATION):
        types = _VALIDATION
    else:
        types = _BINDING
    return CommandError(
        ErrorDetails(
            fqid=f"{error_id},{signature.tail}",
            category=_CATEGORIES.get(error_id, Category.INVALID_ARGUMENT),
            message=message,
            exception_types=types,
            activity=signature.name,
            reason=short_name(types[0]),
        )
    )


def no_argument(signature: Signature, message: str) -> CommandError:
    """Null for a [bool] of a compiled cmdlet: the id of validation, but as an error of binding."""
    details = binding_error(signature, "ParameterBindingFailed", message).details
    return CommandError(
        replace(
            details, fqid=f"{VALIDATION}NullNotAllowed,{signature.tail}", category=Category.INVALID_ARGUMENT
        )
    )


def parameter_not_found(signature: Signature, name: str) -> CommandError:
    """No parameter matches `name`."""
    text = f"A parameter cannot be found that matches parameter name '{name}'."
    return binding_error(signature, "NamedParameterNotFound", text)


def ambiguous_parameter(signature: Signature, name: str, candidates: Iterable[str]) -> CommandError:
    """An abbreviation matches several parameters."""
    matches = "".join(f" -{candidate}" for candidate in candidates)
    text = (
        f"Parameter cannot be processed because the parameter name '{name}' is ambiguous."
        f" Possible matches include:{matches}."
    )
    return binding_error(signature, "AmbiguousParameter", text)


def ambiguous_set(signature: Signature) -> CommandError:
    """No set fits what was given, or several do and none is the default."""
    return binding_error(
        signature, AMBIGUOUS_SET, "Parameter set cannot be resolved using the specified named parameters."
    )


def missing_mandatory(signature: Signature, names: Iterable[str]) -> CommandError:
    """Mandatory parameters of the chosen set are absent, and no host can ask for them."""
    text = f"Cannot process command because of one or more missing mandatory parameters: {' '.join(names)}."
    return binding_error(signature, "MissingMandatoryParameter", text)


def input_not_bound(signature: Signature, target: object) -> ErrorDetails:
    """A piped object fits no parameter: non-terminating."""
    return ErrorDetails(
        fqid=f"InputObjectNotBound,{signature.tail}",
        category=Category.INVALID_ARGUMENT,
        message=(
            "The input object cannot be bound to any parameters for the command either because the command"
            " does not take pipeline input or the input and its properties do not match any of the"
            " parameters that take pipeline input."
        ),
        exception_types=_BINDING,
        activity=signature.name,
        reason=short_name(_BINDING[0]),
        target_object=target,
    )


def command_not_found(name: str) -> CommandError:
    """No such command: the id has no tail (binder-facts 1)."""
    return CommandError(
        ErrorDetails(
            fqid="CommandNotFoundException",
            category=Category.OBJECT_NOT_FOUND,
            message=(
                f"The term '{name}' is not recognized as the name of a cmdlet, function, script file, or"
                " operable program. Check the spelling of the name, or if a path was included, verify that"
                " the path is correct and try again."
            ),
            exception_types=_NOT_FOUND,
            reason=short_name(_NOT_FOUND[0]),
            target_name=name,
            target_type="String",
            target_object=name,
        )
    )


def module_not_loaded(name: str) -> CommandError:
    r"""`Module\\command` of an absent module (psrp-facts 10, module_qualified_not_found)."""
    module = name.rpartition("\\")[0]
    return CommandError(
        ErrorDetails(
            fqid="CouldNotAutoLoadModule",
            category=Category.OBJECT_NOT_FOUND,
            message=f"The '{name}' command was found in the module '{module}', but it could not be loaded.",
            exception_types=_NOT_FOUND,
            reason=short_name(_NOT_FOUND[0]),
            target_name=name,
            target_type="String",
            target_object=name,
        )
    )


def scripts_not_allowed() -> CommandError:
    """Script text: a NoLanguage session refuses it so, and this host runs script text in no session."""
    types = (f"{_SMA}.PSInvalidOperationException", "System.InvalidOperationException")
    return CommandError(
        ErrorDetails(
            fqid="ScriptsNotAllowed",
            category=Category.PARSER_ERROR,
            message="The syntax is not supported by this runspace: script text is not run.",
            exception_types=types,
            reason="ParseException",
        )
    )


def not_modelled(signature: Signature) -> CommandError:
    """The command binds but the lab has no model of it."""
    return CommandError(
        ErrorDetails(
            fqid=f"NotModelledByLab,{signature.tail}",
            category=Category.NOT_IMPLEMENTED,
            message=f"{signature.name} binds, but the lab has no model of what it does.",
            exception_types=("System.NotImplementedException",),
            activity=signature.name,
            reason="NotImplementedException",
        )
    )


def in_parent(details: ErrorDetails) -> ErrorDetails:
    """The record as it stands in the error stream when a statement failed and later ones ran.

    Exceptions of the engine itself stand inside a ParentContainsErrorRecordException; a record that a command
    threw keeps its own exception (corpus/cim err_fatal_then_write).
    """
    if not details.exception_types[0].startswith(_ENGINE_OWN):
        return details
    return replace(details, exception_types=_PARENT, reason=short_name(_PARENT[0]), remoting=False)
