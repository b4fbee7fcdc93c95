"""What each parameter of a CDXML command is for: selector, query option, association, written value.

The roles are derived from the signature (cdxml-facts 2) and the few facts a `CdxmlCommand` adds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet_lab.host.contract import CimInstance
from wslnet_lab.host.engine.registry import Act
from wslnet_lab.host.engine.selection import Filter, plain
from wslnet_lab.host.engine.signatures import INPUT_OBJECT_SET
from wslnet_lab.host.engine.types import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wslnet_lab.host.engine.registry import CdxmlCommand
    from wslnet_lab.host.engine.signatures import Parameter, Signature

# Query and operation options wherever they appear (windows-facts 1.4, corpus/cim ok_new).
_OPTIONS = frozenset({"PolicyStore", "GPOSession", "IncludeAllCompartments", "All", "TracePolicyStore"})
_HANDLED = frozenset({"CimSession", "ThrottleLimit", "AsJob", "PassThru", "WhatIf", "Confirm"})
_WITHOUT_ROWS = frozenset({Act.CREATE, Act.STATIC})


def filters_of(
    command: CdxmlCommand, signature: Signature, values: Mapping[str, object]
) -> tuple[Filter, ...]:
    """The query parameters that were given, as filters."""
    found = []
    for parameter in _given(signature, values):
        if not _is_query(command, signature, parameter):
            continue
        value = values[parameter.name]
        items = tuple(value) if isinstance(value, list) else (value,)
        cim_property = command.query.get(parameter.name, parameter.name)
        spec = parameter.type.element() if parameter.type.depth else parameter.type
        found.append(Filter(cim_property, items, spec, parameter.name not in command.literal))
    return tuple(found)


def options_of(
    command: CdxmlCommand, signature: Signature, values: Mapping[str, object]
) -> dict[str, object]:
    """Query and operation options that were given, by parameter name, enums as numbers."""
    return {
        parameter.name: plain(values[parameter.name])
        for parameter in _given(signature, values)
        if _is_option(command, signature, parameter)
    }


def association_of(signature: Signature, values: Mapping[str, object]) -> tuple[str, CimInstance] | None:
    """The object of an `Associated…` parameter, with the parameter's name."""
    for parameter in _given(signature, values):
        value = values[parameter.name]
        if parameter.type.kind is Kind.CIM_INSTANCE and isinstance(value, CimInstance):
            return parameter.name, value
    return None


def written_by(
    command: CdxmlCommand, signature: Signature, values: Mapping[str, object]
) -> dict[str, object]:
    """What is set, created or passed to the method, by CIM name, enums as numbers."""
    return {
        command.values.get(parameter.name, parameter.name): plain(values[parameter.name])
        for parameter in _given(signature, values)
        if not _is_option(command, signature, parameter)
        and not _is_query(command, signature, parameter)
        and (parameter.name != "InputObject" or command.act is Act.STATIC)
    }


def _given(signature: Signature, values: Mapping[str, object]) -> list[Parameter]:
    return [
        parameter
        for name, parameter in signature.parameters.items()
        if name in values and not parameter.common and name not in _HANDLED
    ]


def _is_query(command: CdxmlCommand, signature: Signature, parameter: Parameter) -> bool:
    if command.act in _WITHOUT_ROWS or _is_option(command, signature, parameter):
        return False
    return parameter.name in command.query or parameter.query


def _is_option(command: CdxmlCommand, signature: Signature, parameter: Parameter) -> bool:
    if parameter.name in _OPTIONS or parameter.name in command.options:
        return True
    if command.act in _WITHOUT_ROWS or parameter.name in command.query or parameter.name in command.values:
        return False
    if parameter.type.depth or parameter.type.kind is Kind.CIM_INSTANCE:
        return False
    # A scalar beside the selectors, which the InputObject set lacks.
    beside_selectors = INPUT_OBJECT_SET in signature.sets and INPUT_OBJECT_SET not in parameter.places
    return command.act is Act.GET or beside_selectors
