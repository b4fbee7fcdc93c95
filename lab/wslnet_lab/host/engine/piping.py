"""Binds piped objects: by value, then by property name; first without conversion, then with (binder-facts 1).

Works on what `binder.bind` left open; gives the bound call for one object, or None when the object fits
nowhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet_lab.host.contract import CimInstance, CimValue, CommandError, PlainObject
from wslnet_lab.host.engine import sets as parameter_sets
from wslnet_lab.host.engine.binder import Binding, finish
from wslnet_lab.host.engine.conversion import fits
from wslnet_lab.host.engine.errors import VALIDATION
from wslnet_lab.host.engine.types import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wslnet_lab.host.engine.binder import Bound
    from wslnet_lab.host.engine.signatures import Parameter

_BY_VALUE = frozenset({"value", "both"})
_WHOLE = "InputObject"
_BY_PROPERTY = frozenset({"property", "both"})


def accept(binding: Binding, value: object) -> Bound | None:
    """Binds one piped object.

    Raises:
        CommandError: It bound, but mandatory parameters are missing, the sets stay ambiguous, or a check of
            a script function refuses a value.
    """
    attempt = Binding(binding.signature, dict(binding.values), binding.current)
    properties = properties_of(value)
    bound = False
    for coerce in (False, True):
        bound = _by_value(attempt, value, coerce=coerce) or bound
        bound = _by_property(attempt, properties, coerce=coerce) or bound
        if bound:
            break
    if not bound:
        return None
    finish(attempt)
    return attempt.result()


def takes_whole_objects(binding: Binding) -> bool:
    """Whether a command that is no CDXML one reads its input by InputObject, so that it gets all at once."""
    parameter = binding.unbound().get(_WHOLE)
    return parameter is not None and parameter.pipeline in _BY_VALUE and not binding.signature.cdxml


def accept_whole(binding: Binding) -> Bound:
    """The bound call of such a command: the sets as if InputObject were bound, the objects beside it.

    Raises:
        CommandError: Mandatory parameters are missing or the sets stay ambiguous.
    """
    parameter = binding.signature.parameters[_WHOLE]
    narrowed = parameter_sets.narrow(binding.current, parameter_sets.sets_of(binding.signature, parameter))
    attempt = Binding(binding.signature, {**binding.values, _WHOLE: None}, narrowed)
    finish(attempt)
    bound = attempt.result()
    del bound.parameters[_WHOLE]
    return bound


def properties_of(value: object) -> Mapping[str, object]:
    """The properties of a piped object by lower-case name; text has none that binds."""
    if isinstance(value, CimInstance):
        raw = {name: held.value for name, held in value.properties.items()}
        both: dict[str, object] = {**raw, **value.friendly}
    elif isinstance(value, PlainObject):
        both = {**value.properties, **value.notes}
    else:
        return {}
    return {
        name.lower(): item.value if isinstance(item, CimValue) else item
        for name, item in both.items()
        if item is not None
    }


def _usable(binding: Binding, ways: frozenset[str]) -> list[Parameter]:
    left = parameter_sets.members(binding.signature, binding.current)
    return [
        parameter
        for parameter in binding.unbound().values()
        if parameter.pipeline in ways and parameter_sets.in_sets(parameter, left)
    ]


def _by_value(binding: Binding, value: object, *, coerce: bool) -> bool:
    bound = False
    for parameter in _usable(binding, _BY_VALUE):
        exact = parameter.type.kind is Kind.CIM_INSTANCE or fits(value, parameter.type)
        if (coerce or exact) and _assign(binding, parameter, value):
            bound = True
    return bound


def _by_property(binding: Binding, properties: Mapping[str, object], *, coerce: bool) -> bool:
    bound = False
    for parameter in _usable(binding, _BY_PROPERTY):
        for name in (parameter.name, *parameter.aliases):
            if name.lower() not in properties:
                continue
            value = properties[name.lower()]
            if (coerce or fits(value, parameter.type)) and _assign(binding, parameter, value):
                bound = True
            break
    return bound


def _assign(binding: Binding, parameter: Parameter, value: object) -> bool:
    left = parameter_sets.members(binding.signature, binding.current)
    if not parameter_sets.in_sets(parameter, left):
        return False
    try:
        binding.assign(parameter, value)
    except CommandError as error:
        if error.details.fqid.startswith(f"{VALIDATION},") and parameter.checks:
            # What a role or a script function refuses is said; it never counts as no match (jea-facts D).
            raise
        return False
    return True
