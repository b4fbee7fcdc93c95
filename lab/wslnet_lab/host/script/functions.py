"""Script functions as commands: their param block as a signature of the engine, and what they were given."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from wslnet_lab.host.engine.names import bare, find_parameter
from wslnet_lab.host.engine.signatures import COMMON, NO_SET, Parameter, Place, Signature
from wslnet_lab.host.engine.types import Kind, TypeSpec
from wslnet_lab.host.script.types import spec_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wslnet_lab.host.contract import Argument
    from wslnet_lab.host.script.attributes import Reader
    from wslnet_lab.host.script.syntax import Block, ParameterSyntax

_SWITCH = TypeSpec(Kind.SWITCH, "System.Management.Automation.SwitchParameter")
_SHOULD_PROCESS = {
    name: Parameter(name, (alias,), _SWITCH, {NO_SET: Place(required=False, position=None)}, own=False)
    for name, alias in (("WhatIf", "wi"), ("Confirm", "cf"))
}


def signature_of(name: str, block: Block, reader: Reader) -> Signature:
    """The signature that a function's param block gives it.

    Raises:
        NotInTheLab: Something in it is not known to the lab.
    """
    binding = next((each for each in block.attributes if each.name.lower() == "cmdletbinding"), None)
    options = {key.lower(): value for key, value in binding.named} if binding else {}
    implicit = "positionalbinding" not in options or _is_true(options["positionalbinding"])
    should_process = "supportsshouldprocess" in options and _is_true(options["supportsshouldprocess"])
    parameters = _parameters(block.parameters, reader, positional=implicit)
    if block.advanced:
        parameters |= COMMON
    if should_process:
        parameters |= _SHOULD_PROCESS
    return Signature(
        name=name,
        module="",
        function=True,
        cdxml=False,
        should_process=should_process,
        tail=name,
        sets=(),
        default_set=None,
        parameters=parameters,
    )


def _is_true(value: object) -> bool:
    """An option of CmdletBinding: `Name` alone, or `Name = $true`."""
    return value is None or getattr(value, "name", "true").lower() == "true"


def _parameters(
    found: Iterable[ParameterSyntax], reader: Reader, *, positional: bool
) -> dict[str, Parameter]:
    made: dict[str, Parameter] = {}
    for each in found:
        traits = reader.traits(each.attributes)
        pipeline = {(True, True): "both", (True, False): "value", (False, True): "property"}
        made[each.name] = Parameter(
            name=each.name,
            aliases=traits.aliases,
            type=spec_of(each.type),
            places={NO_SET: Place(traits.mandatory, traits.position)},
            pipeline=pipeline.get((traits.by_value, traits.by_name), ""),
            validation=traits.validation,
            accepted=traits.accepted,
            checks=traits.checks,
        )
    if positional and all(one.places[NO_SET].position is None for one in made.values()):
        plain = [one for one in made.values() if one.type.kind is not Kind.SWITCH]
        for position, one in enumerate(plain):
            made[one.name] = replace(one, places={NO_SET: Place(one.places[NO_SET].required, position)})
    return made


def split_for_simple(
    signature: Signature, arguments: tuple[Argument, ...]
) -> tuple[tuple[Argument, ...], list[object]]:
    """What binds of the arguments of a function without cmdlet binding, and the rest for `$args`."""
    room = sum(1 for each in signature.parameters.values() if each.places[NO_SET].position is not None)
    named = {
        found.name
        for each in arguments
        if each.name is not None and (found := find_parameter(signature, each.name)) is not None
    }
    room -= sum(1 for name in named if signature.parameters[name].places[NO_SET].position is not None)
    bound: list[Argument] = []
    rest: list[object] = []
    for each in arguments:
        if each.name is not None and find_parameter(signature, each.name) is None:
            rest.extend([f"-{bare(each.name)}", each.value])
        elif each.name is None and room <= 0:
            rest.append(each.value)
        else:
            bound.append(each)
            room -= each.name is None
    return tuple(bound), rest
