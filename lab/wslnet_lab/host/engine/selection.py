"""Which rows a CDXML command means: filters by CIM property, and the errors for what was not found.

The rules are those of the engine's CIM query layer (cdxml-facts 1.6, 1.7 and 4): text filters are
wildcards, the filter is applied to whatever the server returned, one error per value that matched nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from wslnet_lab.host.contract import Category, CimInstance, CimValue, EnumValue, ErrorDetails, Number
from wslnet_lab.host.engine.types import Kind
from wslnet_lab.host.engine.values import text_of
from wslnet_lab.host.engine.wildcards import is_pattern, matches

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from wslnet_lab.host.engine.types import TypeSpec

JOB_EXCEPTION = (
    "Microsoft.PowerShell.Cmdletization.Cim.CimJobException",
    "System.SystemException",
)


@dataclass(frozen=True)
class Filter:
    """One query parameter: the CIM property it stands for and the values asked for (any of them)."""

    cim_property: str
    values: tuple[object, ...]
    type: TypeSpec
    globbing: bool = True

    def is_pattern(self, value: object) -> bool:
        """Whether `value` is a wildcard pattern: such a value is never reported as not found."""
        return self.globbing and isinstance(value, str) and is_pattern(value)

    def accepts(self, row: CimInstance, value: object) -> bool:
        """Whether the row's property is (or, for text, matches) `value`."""
        held = row.properties.get(self.cim_property)
        found = plain(held.value) if isinstance(held, CimValue) else None
        items = found if isinstance(found, list) else [found]
        return any(self._same(item, plain(value)) for item in items)

    def _same(self, held: object, wanted: object) -> bool:
        if isinstance(wanted, str):
            text = text_of(held)
            return matches(wanted, text) if self.globbing else text.lower() == wanted.lower()
        if isinstance(wanted, timedelta) or isinstance(held, timedelta):
            return held == wanted
        return held is not None and held == wanted


def plain(value: object) -> object:
    """A value as it is compared and handed to a provider: enums and sized numbers as int."""
    if isinstance(value, EnumValue):
        return value.number
    if isinstance(value, Number):
        return value.value
    if isinstance(value, CimValue):
        return plain(value.value)
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


def select(rows: Iterable[CimInstance], filters: tuple[Filter, ...]) -> list[CimInstance]:
    """The rows that every filter accepts; a filter without values accepts none."""
    return [
        row for row in rows if all(any(item.accepts(row, value) for value in item.values) for item in filters)
    ]


def not_found(
    command: str, class_name: str, filters: tuple[Filter, ...], rows: list[CimInstance]
) -> Iterator[ErrorDetails]:
    """The errors for what `filters` asked for and `rows` (already selected) lack."""
    if len(filters) == 1:
        only = filters[0]
        for value in only.values:
            if only.is_pattern(value) or any(only.accepts(row, value) for row in rows):
                continue
            yield _missing_value(command, class_name, only, value)
        return
    if rows or not filters or any(not item.values for item in filters):
        return
    if all(item.is_pattern(value) for item in filters for value in item.values):
        return
    yield ErrorDetails(
        fqid=f"CmdletizationQuery_NotFound,{command}",
        category=Category.OBJECT_NOT_FOUND,
        message=f"No matching {class_name} objects found by CIM query. Verify query parameters and retry.",
        exception_types=JOB_EXCEPTION,
        activity=command,
        reason="CimJobException",
        target_name=class_name,
        target_type="String",
        target_object=class_name,
        remoting=True,
    )


def _missing_value(command: str, class_name: str, item: Filter, value: object) -> ErrorDetails:
    return ErrorDetails(
        fqid=f"CmdletizationQuery_NotFound_{item.cim_property},{command}",
        category=Category.OBJECT_NOT_FOUND,
        message=(
            f"No {class_name} objects found with property '{item.cim_property}' equal to '{text_of(value)}'."
            "  Verify the value of the property and retry."
        ),
        exception_types=JOB_EXCEPTION,
        activity=command,
        reason="CimJobException",
        target_name=text_of(value),
        target_type=_short_type(item.type),
        target_object=value,
        remoting=True,
    )


def _short_type(spec: TypeSpec) -> str:
    name = spec.name.rpartition(".")[2]
    return name if spec.kind is not Kind.OBJECT else "Object"
