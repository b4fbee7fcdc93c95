"""Stand-in functions for Windows' commands, written from the oracle: they say how they were bound."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet_lab.host.engine.types import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from wslnet_lab.host.engine.enums import Enumeration
    from wslnet_lab.host.engine.signatures import Parameter, Place, Signature

_BODY = "[pscustomobject]@{ Set = $PSCmdlet.ParameterSetName; Bound = @($PSBoundParameters.Keys) }"
_OBJECT = "System.Object"
FLAGS = "[System.Flags()] "


def script(signatures: Iterable[Signature]) -> str:
    """Enums first, then one function a command."""
    every = list(signatures)
    enums = {
        parameter.type.enum.type_name: parameter.type.enum
        for one in every
        for parameter in one.parameters.values()
        if parameter.type.enum is not None and not parameter.common
    }
    return "\n".join([*map(_enum, enums.values()), *map(_function, every), ""])


def _enum(found: Enumeration) -> str:
    flags = FLAGS if found.flags else ""
    members = "; ".join(f"{name} = {number}" for name, number in found.members.items())
    return f"{flags}enum {_enum_name(found)} {{ {members} }}"


def _enum_name(found: Enumeration) -> str:
    return "Wslnet_" + "".join(each if each.isalnum() else "_" for each in found.type_name)


def _function(signature: Signature) -> str:
    settings = ["PositionalBinding = $false"]
    if signature.should_process:
        settings.append("SupportsShouldProcess")
    if signature.default_set is not None:
        settings.append(f"DefaultParameterSetName = {_quoted(signature.default_set)}")
    own = [one for one in signature.parameters.values() if one.own and not one.common]
    parameters = ", ".join(" ".join(_parameter(one)) for one in own)
    binding = ", ".join(settings)
    return f"function {signature.name} {{\n[CmdletBinding({binding})]\nparam({parameters})\n{_BODY}\n}}"


def _parameter(one: Parameter) -> Iterator[str]:
    for name, place in one.places.items():
        yield f"[Parameter({', '.join(_place(name, place, one))})]"
    if one.aliases:
        yield f"[Alias({', '.join(map(_quoted, one.aliases))})]"
    for attribute in one.validation:
        yield f"[{attribute}]" if attribute.endswith(")") else f"[{attribute}()]"
    if one.accepted:
        yield f"[ValidateSet({', '.join(map(_quoted, one.accepted))})]"
    yield f"[{_type(one)}] ${{{one.name}}}"


def _place(name: str, place: Place, one: Parameter) -> Iterator[str]:
    yield f"ParameterSetName = {_quoted(name)}"
    if place.required:
        yield "Mandatory"
    if place.position is not None:
        yield f"Position = {place.position}"
    if "ByValue" in one.pipeline:
        yield "ValueFromPipeline"
    if "ByPropertyName" in one.pipeline:
        yield "ValueFromPipelineByPropertyName"


def _type(one: Parameter) -> str:
    spec = one.type
    if spec.enum is not None:
        name = _enum_name(spec.enum)
    elif spec.kind in (Kind.CIM_INSTANCE, Kind.CIM_SESSION, Kind.OPAQUE):
        name = _OBJECT
    else:
        name = spec.name
    return name + "[]" * spec.depth


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
