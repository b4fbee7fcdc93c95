"""Binds one command's arguments to its signature, without I/O (binder-facts 1 to 6).

`bind` does what can be done before anything runs; `piping.accept` binds one piped object to it. Errors are
`CommandError`s with the engine's ids, raised in the engine's order.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from wslnet_lab.host.contract import CommandError, EnumValue
from wslnet_lab.host.engine import sets as parameter_sets
from wslnet_lab.host.engine.conversion import convert, fits
from wslnet_lab.host.engine.errors import (
    TRANSFORMATION,
    binding_error,
    missing_mandatory,
    no_argument,
    parameter_not_found,
)
from wslnet_lab.host.engine.families import (
    NO_ARGUMENT,
    NULL_FOR_VALUE,
    WRONG_OBJECT,
    ConversionError,
    Family,
)
from wslnet_lab.host.engine.names import bare, find_parameter
from wslnet_lab.host.engine.signatures import NO_SET
from wslnet_lab.host.engine.validation import check_value

if TYPE_CHECKING:
    from wslnet_lab.host.contract import Argument
    from wslnet_lab.host.engine.sets import Sets
    from wslnet_lab.host.engine.signatures import Parameter, Signature

_REMAINING = "ValueFromRemainingArguments"


@dataclass(frozen=True)
class Bound:
    """The result: the chosen set's name and the values by full parameter name."""

    parameter_set: str
    parameters: dict[str, object]


@dataclass
class Binding:
    """A binding under way: arguments are bound; piped objects may still come."""

    signature: Signature
    values: dict[str, object] = field(default_factory=dict)
    current: Sets = None

    def unbound(self) -> dict[str, Parameter]:
        """Parameters without a value."""
        return {name: item for name, item in self.signature.parameters.items() if name not in self.values}

    def assign(self, parameter: Parameter, value: object) -> None:
        """Converts, checks and stores one value, and narrows the sets.

        Raises:
            CommandError: The value does not fit.
        """
        self.values[parameter.name] = _converted(self.signature, parameter, value)
        self.current = parameter_sets.narrow(self.current, parameter_sets.sets_of(self.signature, parameter))

    def result(self) -> Bound:
        """The bound values; the set is final by now."""
        left = self.current
        name = next(iter(left)) if left is not None and len(left) == 1 else NO_SET
        return Bound(name, dict(self.values))


def bind(signature: Signature, arguments: tuple[Argument, ...], *, piped: bool = False) -> Binding:
    """Binds the arguments of a command.

    Args:
        signature: The command.
        arguments: As sent, in order.
        piped: Objects will come from a command before it.

    Raises:
        CommandError: With the engine's id; nothing has run then.
    """
    binding = Binding(signature)
    rest = _bind_named(binding, arguments)
    rest, failure = _bind_positional(binding, rest)
    _settle_sets(binding, waits=True, final=False)
    rest = _bind_remaining(binding, rest)
    if rest:
        raise failure or _left_over(signature, rest[0])
    if piped:
        _settle_sets(binding, waits=True, final=False)
        _check_mandatory(binding, piped=True)
    else:
        finish(binding)
    return binding


def finish(binding: Binding) -> None:
    """Settles the set and the mandatory parameters once all input is bound.

    Raises:
        CommandError: `AmbiguousParameterSet`, `MissingMandatoryParameter`.
    """
    _settle_sets(binding, waits=False, final=True)
    _check_mandatory(binding, piped=False)


def _settle_sets(binding: Binding, *, waits: bool, final: bool) -> None:
    """Narrows the sets of `binding` as far as what is bound decides."""
    binding.current = parameter_sets.choose(
        binding.signature,
        binding.current,
        binding.unbound().values(),
        waits_for_input=waits,
        final=final,
    )


def _bind_named(binding: Binding, arguments: tuple[Argument, ...]) -> list[Argument]:
    rest: list[Argument] = []
    for argument in arguments:
        parameter = find_parameter(binding.signature, argument.name) if argument.name is not None else None
        if parameter is None:
            rest.append(argument)
            continue
        if parameter.name in binding.values:
            text = f"Cannot bind parameter because parameter '{parameter.name}' is specified more than once."
            raise binding_error(binding.signature, "ParameterAlreadyBound", text)
        binding.assign(parameter, argument.value)
    return rest


def _bind_positional(
    binding: Binding, arguments: list[Argument]
) -> tuple[list[Argument], CommandError | None]:
    """Binds what has no name, position by position; gives what is left and why the last one did not bind."""
    unnamed = [argument for argument in arguments if argument.name is None]
    rest = [argument for argument in arguments if argument.name is not None]
    failure: CommandError | None = None
    for position in _positions(binding):
        if not unnamed:
            break
        argument = unnamed[0]
        candidates = _at_position(binding, position)
        if not candidates:
            continue
        unnamed.pop(0)
        try:
            if not _bind_at(binding, candidates, argument.value):
                rest.append(argument)
        except CommandError as error:
            failure = error
            rest.append(argument)
    return rest + unnamed, failure


def _positions(binding: Binding) -> list[int]:
    found = {
        place.position
        for parameter in binding.unbound().values()
        for place in parameter.places.values()
        if place.position is not None
    }
    return sorted(found)


def _at_position(binding: Binding, position: int) -> list[tuple[str, Parameter]]:
    left = parameter_sets.members(binding.signature, binding.current)
    return [
        (name, parameter)
        for parameter in binding.unbound().values()
        for name, place in parameter.places.items()
        if place.position == position and name in left
    ]


def _bind_at(binding: Binding, candidates: list[tuple[str, Parameter]], value: object) -> bool:
    """Tries the default set, then the others; first values that need no coercion, then any."""
    default = binding.signature.default_set
    in_default = [parameter for name, parameter in candidates if name == default]
    everywhere = [parameter for _, parameter in candidates]
    failure: CommandError | None = None
    for coerce in (False, True):
        for group in (in_default, everywhere):
            names = dict.fromkeys(parameter.name for parameter in group)
            bound = False
            for found in (binding.signature.parameters[name] for name in names):
                if not (coerce or binding.signature.function or fits(value, found.type)):
                    continue
                try:
                    binding.assign(found, value)
                except CommandError as error:
                    failure = error
                else:
                    bound = True
            if bound:
                return True
    if failure is not None:
        raise failure
    return False


def _bind_remaining(binding: Binding, rest: list[Argument]) -> list[Argument]:
    """Get-Command's ArgumentList swallows unknown names and extra positionals (binder-facts 3)."""
    for parameter in binding.unbound().values():
        if rest and _REMAINING in parameter.validation:
            values: list[object] = []
            for argument in rest:
                if argument.name is not None:
                    values.append(f"-{bare(argument.name)}")
                values.append(argument.value)
            binding.assign(parameter, values)
            return []
    return rest


def _left_over(signature: Signature, argument: Argument) -> CommandError:
    if argument.name is not None:
        return parameter_not_found(signature, argument.name)
    text = f"A positional parameter cannot be found that accepts argument '{argument.value}'."
    return binding_error(signature, "PositionalParameterNotFound", text)


def _check_mandatory(binding: Binding, *, piped: bool) -> None:
    left = parameter_sets.members(binding.signature, binding.current)
    if piped and len(left) > 1:
        return
    names = [
        name
        for name in parameter_sets.missing(binding.unbound(), left)
        if not (piped and binding.signature.parameters[name].pipeline)
    ]
    if names:
        raise missing_mandatory(binding.signature, names)


def _converted(signature: Signature, parameter: Parameter, value: object) -> object:
    # Common parameters, WhatIf and Confirm are the engine's own compiled ones in functions too.
    family = Family.FUNCTION if signature.function and parameter.own else Family.COMPILED
    try:
        converted = convert(value, parameter.type, family)
    except ConversionError as error:
        if family is Family.FUNCTION:
            error_id = WRONG_OBJECT if error.compiled_id == WRONG_OBJECT else TRANSFORMATION
        else:
            error_id = error.compiled_id
        if error_id == NULL_FOR_VALUE:
            # The setter fails last, after the checks of attributes and of mandatory parameters.
            check_value(signature, parameter, None)
        text = f"Cannot process argument transformation on parameter '{parameter.name}'. {error}"
        if error_id == NO_ARGUMENT:
            raise no_argument(signature, text) from error
        raise binding_error(signature, error_id, text) from error
    if parameter.common and isinstance(converted, EnumValue) and converted.name == "Suspend":
        # The setter refuses it: only workflows have it (jea-facts D).
        raise binding_error(signature, NULL_FOR_VALUE, f"{parameter.name} cannot be Suspend")
    check_value(signature, parameter, converted)
    return converted
