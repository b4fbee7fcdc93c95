"""What Windows' own cmdlets accept, and what their CIM classes mean: a copy of the measured oracle.

`cmdlets.json` is cut from facts/cmdlets.json by scripts/trim_cmdlets.py. This module only reads it; which
cmdlets may be called at all, and how, is decided in `check` and `send`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from .errors import CallRefused

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter as Windows declares it.

    `type_name` is the element type for a list (`UInt32` for `UInt32[]`), in lower case; `values` are the
    names of an enum or validated set, empty when any value goes.
    """

    name: str
    type_name: str
    is_list: bool
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ParameterSet:
    """One way to call a cmdlet: which parameters go together and which of them must be given."""

    parameters: frozenset[str]
    required: frozenset[str]


@dataclass(frozen=True, slots=True)
class Cmdlet:
    """The signature of one cmdlet; `confirms` says that it may ask before it acts."""

    name: str
    confirms: bool
    parameters: Mapping[str, Parameter]
    sets: tuple[ParameterSet, ...]


@cache
def _data() -> Any:  # noqa: ANN401 - JSON
    text = resources.files(__package__).joinpath("cmdlets.json").read_text(encoding="utf-8")
    return json.loads(text)


@cache
def cmdlet(name: str) -> Cmdlet:
    """Give the signature of `name`, spelled as Windows spells it.

    Raises:
        CallRefused: there is none of that name (aliases, other spellings and module-qualified names are
            no names).
    """
    row = _data()["cmdlets"].get(name)
    if row is None:
        raise CallRefused(f"{name!r} is not the full name of a cmdlet that wslnet knows")
    return Cmdlet(
        name=name,
        confirms=row["should_process"],
        parameters={key: _parameter(key, each) for key, each in row["parameters"].items()},
        sets=tuple(_parameter_set(each) for each in row["sets"]),
    )


@cache
def enum_names(cim_class: str, prop: str) -> Mapping[int, str]:
    """Give number to name for a property of a CIM class; empty if it is no enum, or not in the copy."""
    row = _data()["cim_classes"].get(cim_class, {"properties": {}})
    values = row["properties"].get(prop, {}).get("values", {})
    return {int(number): name for number, name in values.items()}


def _parameter(name: str, row: Mapping[str, Any]) -> Parameter:
    # Some pages spell a type with its namespace.
    type_name = row["type"].lower().removeprefix("system.")
    return Parameter(
        name=name,
        type_name=type_name.removesuffix("[]"),
        is_list=type_name.endswith("[]"),
        values=tuple(row.get("values", ())),
    )


def _parameter_set(row: Mapping[str, Any]) -> ParameterSet:
    slots = row["parameters"]
    return ParameterSet(
        parameters=frozenset(slots),
        required=frozenset(name for name, (required, _position) in slots.items() if required),
    )
