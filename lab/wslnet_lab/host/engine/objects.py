"""The commands of the pipeline itself: Measure-Object, Select-Object, Sort-Object, Where-Object, Out-Default.

They take whole objects (`BoundCall.pipeline_input`, or `-InputObject`) and model what callers use of them;
other parameters bind and are not acted on.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from wslnet_lab.host.contract import BoundCall, CimInstance, EnumValue, Number, PlainObject
from wslnet_lab.host.engine.piping import properties_of
from wslnet_lab.host.engine.values import text_of
from wslnet_lab.host.engine.wildcards import is_pattern, matches

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from wslnet_lab.host.contract import Command, Sink

_SELECTED = "Selected.Microsoft.Management.Infrastructure.CimInstance"


def measure(call: BoundCall, _sink: Sink) -> Iterator[object]:
    """Measure-Object: Count, and Sum, Average, Minimum, Maximum of `-Property` when asked for."""
    values = _objects(call)
    names = call.parameters.get("Property")
    for name in names if isinstance(names, list) else [None]:
        held = values if name is None else [_property(value, str(name)) for value in values]
        numbers = [_number(value) for value in held]
        found = [number for number in numbers if number is not None]
        yield PlainObject(
            (
                "Microsoft.PowerShell.Commands.GenericMeasureInfo",
                "Microsoft.PowerShell.Commands.MeasureInfo",
            ),
            {
                "Count": len(values) if name is None else len(found),
                "Average": sum(found) / len(found) if found and _on(call, "Average") else None,
                "Sum": sum(found) if found and _on(call, "Sum") else None,
                "Maximum": max(found) if found and _on(call, "Maximum") else None,
                "Minimum": min(found) if found and _on(call, "Minimum") else None,
                "Property": name,
            },
            to_string="Microsoft.PowerShell.Commands.GenericMeasureInfo",
        )


def select(call: BoundCall, _sink: Sink) -> Iterator[object]:
    """Select-Object: `-Property`, `-ExpandProperty`, `-First`, `-Last`, `-Skip`."""
    values = _objects(call)
    skip, first, last = (call.parameters.get(name) for name in ("Skip", "First", "Last"))
    if isinstance(skip, int):
        values = values[skip:]
    if isinstance(first, int):
        values = values[:first]
    if isinstance(last, int):
        values = values[-last:] if last else []
    names = call.parameters.get("Property")
    expand = call.parameters.get("ExpandProperty")
    for value in values:
        if isinstance(expand, str):
            held = _property(value, expand)
            yield from held if isinstance(held, list) else [held]
        elif isinstance(names, list):
            yield _selected(value, [str(name) for name in names])
        else:
            yield value


def _selected(value: object, names: list[str]) -> PlainObject:
    """A copy with the named properties as notes; enums stay whole objects (cdxml-facts 1.8)."""
    held = _held(value)
    spelled = _spelling(value)
    notes: dict[str, object] = {}
    for name in names:
        if is_pattern(name):
            notes |= {spelled[key]: held.get(key) for key in spelled if matches(name, spelled[key])}
        else:
            notes[spelled.get(name.lower(), name)] = held.get(name.lower())
    kind = _SELECTED if isinstance(value, CimInstance) else "Selected.System.Object"
    if isinstance(value, str):
        kind = "Selected.System.String"
    if isinstance(value, PlainObject):
        kind = f"Selected.{value.type_names[0]}"
    types = (kind, "System.Management.Automation.PSCustomObject", "System.Object")
    return PlainObject(types, {}, notes)


def _spelling(value: object) -> dict[str, str]:
    if isinstance(value, CimInstance):
        names = [*value.properties, *value.friendly]
    elif isinstance(value, PlainObject):
        names = [*value.properties, *value.notes]
    else:
        names = ["Length"] if isinstance(value, str) else []
    return {name.lower(): name for name in names}


def sort(call: BoundCall, _sink: Sink) -> Iterator[object]:
    """Sort-Object: by `-Property` (or the objects' text), `-Descending`, `-Unique`; text in any case."""
    names = call.parameters.get("Property")

    def keys(value: object) -> list[tuple[int, float, str]]:
        held = [_property(value, str(name)) for name in names] if isinstance(names, list) else [value]
        return [_sort_key(item) for item in held]

    ordered = sorted(_objects(call), key=keys, reverse=_on(call, "Descending"))
    seen: list[list[tuple[int, float, str]]] = []
    for value in ordered:
        if _on(call, "Unique"):
            if keys(value) in seen:
                continue
            seen.append(keys(value))
        yield value


def _sort_key(value: object) -> tuple[int, float, str]:
    number = _number(value)
    if number is not None:
        return (0, number, "")
    return (1, 0.0, text_of(value).lower())


def where(call: BoundCall, _sink: Sink) -> Iterator[object]:
    """Where-Object: `-Property P -Value V` with one of the comparing switches; no script block runs."""
    name, wanted = text_of(call.parameters.get("Property")), call.parameters.get("Value")
    switches = [key for key in _COMPARISONS if _on(call, key)]
    compare = _COMPARISONS[switches[0]] if switches else None
    for value in _objects(call):
        held = _property(value, name)
        if compare is None:
            chosen = bool(held) if "Value" not in call.parameters else _same(held, wanted)
        else:
            chosen = compare(held, wanted)
        if chosen:
            yield value


def _same(held: object, wanted: object) -> bool:
    return text_of(held).lower() == text_of(wanted).lower()


def _less(held: object, wanted: object) -> bool:
    return _sort_key(held) < _sort_key(_as_number(wanted))


def _as_number(value: object) -> object:
    try:
        return float(text_of(value))
    except ValueError:
        return value


def _contains(held: object, wanted: object) -> bool:
    return isinstance(held, list) and any(_same(item, wanted) for item in held)


def _regex(held: object, wanted: object) -> bool:
    return re.search(text_of(wanted), text_of(held), re.IGNORECASE) is not None


_COMPARISONS: Mapping[str, Callable[[object, object], bool]] = {
    "EQ": _same,
    "NE": lambda held, wanted: not _same(held, wanted),
    "LT": _less,
    "GT": lambda held, wanted: _less(wanted, held),
    "LE": lambda held, wanted: not _less(wanted, held),
    "GE": lambda held, wanted: not _less(held, wanted),
    "Like": lambda held, wanted: matches(text_of(wanted), text_of(held)),
    "NotLike": lambda held, wanted: not matches(text_of(wanted), text_of(held)),
    "Match": _regex,
    "NotMatch": lambda held, wanted: not _regex(held, wanted),
    "Contains": _contains,
    "NotContains": lambda held, wanted: not _contains(held, wanted),
    "In": lambda held, wanted: _contains(wanted, held),
    "NotIn": lambda held, wanted: not _contains(wanted, held),
}


def pass_on(call: BoundCall, _sink: Sink) -> Iterator[object]:
    """Out-Default: over PSRP the objects simply go on to the client."""
    yield from _objects(call)


def _objects(call: BoundCall) -> list[object]:
    if "InputObject" in call.parameters:
        return [call.parameters["InputObject"]]
    return list(call.pipeline_input)


def _property(value: object, name: str) -> object:
    return _held(value).get(name.lower())


def _held(value: object) -> Mapping[str, object]:
    """The properties of an object; a text has its length."""
    return {"length": len(value)} if isinstance(value, str) else properties_of(value)


def _number(value: object) -> float | None:
    if isinstance(value, EnumValue):
        return float(value.number)
    if isinstance(value, Number):
        return float(value.value)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _on(call: BoundCall, switch: str) -> bool:
    return call.parameters.get(switch) is True


COUNTS_NOTHING = frozenset({"Measure-Object"})
"""Commands that say something even when nothing was piped in."""

BODIES: Mapping[str, Command] = {
    "Measure-Object": measure,
    "Select-Object": select,
    "Sort-Object": sort,
    "Where-Object": where,
    "Out-Default": pass_on,
}
