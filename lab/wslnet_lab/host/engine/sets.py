"""Parameter sets: which remain after each bound parameter, and which is chosen in the end.

`current` is None while no bound parameter belongs to a set ("all sets", PowerShell's uint.MaxValue), else
the names that remain. The steps follow the engine's own source (CmdletParameterBinderController), read and
run in binder-facts 2 and 6.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet_lab.host.engine.errors import ambiguous_set
from wslnet_lab.host.engine.signatures import NO_SET

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from wslnet_lab.host.engine.signatures import Parameter, Signature

Sets = frozenset[str] | None


def sets_of(signature: Signature, parameter: Parameter) -> Sets:
    """The sets that binding `parameter` leaves; None when it belongs to every set or to none by name."""
    named = frozenset(parameter.places) & frozenset(signature.sets)
    if not named or (len(signature.sets) > 1 and named == frozenset(signature.sets)):
        return None
    return named


def narrow(current: Sets, parameter_sets: Sets) -> Sets:
    """What remains of `current` once a parameter of `parameter_sets` is bound."""
    if parameter_sets is None:
        return current
    return parameter_sets if current is None else current & parameter_sets


def members(signature: Signature, current: Sets) -> frozenset[str]:
    """The sets that are still possible, by name; commands without sets have one nameless set."""
    if current is not None:
        return current
    return frozenset(signature.sets) or frozenset({NO_SET})


def choose(
    signature: Signature, current: Sets, unbound: Collection[Parameter], *, waits_for_input: bool, final: bool
) -> Sets:
    """Resolves the sets as far as possible.

    Args:
        signature: The command.
        current: What remains.
        unbound: Parameters without a value.
        waits_for_input: Pipeline input may still decide.
        final: Take the default set when it is among those left.

    Raises:
        CommandError: `AmbiguousParameterSet`.
    """
    if current is not None and not current:
        raise ambiguous_set(signature)
    if current is None and len(signature.sets) <= 1 and signature.default_set is None:
        return current
    left = members(signature, current)
    if len(left) == 1 and current is not None:
        return current
    if waits_for_input and current is None and takes_input(left, unbound):
        return current
    if signature.default_set in left and signature.default_set is not None:
        return frozenset({signature.default_set}) if final else current
    if waits_for_input and takes_input(left, unbound):
        return current
    without_missing = left - {
        name for parameter in unbound for name, place in parameter.places.items() if place.required
    }
    if len(without_missing) == 1:
        return frozenset(without_missing)
    raise ambiguous_set(signature)


def takes_input(sets: Collection[str], unbound: Collection[Parameter]) -> bool:
    """Whether some unbound parameter of the sets takes pipeline input."""
    return any(bool(parameter.pipeline) and in_sets(parameter, sets) for parameter in unbound)


def in_sets(parameter: Parameter, sets: Collection[str]) -> bool:
    """Whether a parameter can be used in one of `sets`."""
    return not parameter.places or any(name in sets for name in parameter.places)


def missing(unbound: Mapping[str, Parameter], sets: Collection[str]) -> list[str]:
    """Names of mandatory parameters that `sets` lack."""
    return [
        name
        for name, parameter in unbound.items()
        if any(place.required for key, place in parameter.places.items() if key in sets)
    ]
