"""Statements into pypsrp's pipelines, and its objects into the plain data of the Windows half."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pypsrp.complex_objects import GenericComplexObject
from pypsrp.serializer import TaggedValue

from wslnet.transport.psrp_names import CATEGORIES, STATES
from wslnet_win_agent.bridge import ErrorRecord, Reply, WindowsObject
from wslnet_win_agent.crossing import Wide

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pypsrp.complex_objects import ErrorRecord as PsrpErrorRecord
    from pypsrp.powershell import PowerShell

    from wslnet_win_agent.send import Statement

_DESERIALIZED = "Deserialized."


def fill(pipeline: PowerShell, statements: Iterable[Statement]) -> None:
    """Put statements into a pypsrp pipeline."""
    for position, statement in enumerate(statements):
        if position:
            pipeline.add_statement()
        pipeline.add_cmdlet(statement.cmdlet)
        for name, value in statement.parameters.items():
            pipeline.add_parameter(name, _outgoing(value))


def _outgoing(value: object) -> object:
    if isinstance(value, list):
        return [_outgoing(each) for each in value]
    if isinstance(value, Wide):
        return TaggedValue(value.tag, str(value.value))
    return value


def reply_of(pipeline: PowerShell, *, elapsed_s: float) -> Reply:
    """Give the outcome of a finished pypsrp pipeline; its `had_errors` is not looked at (windows-facts 7)."""
    return Reply(
        outputs=tuple(windows_object(each) for each in pipeline.output),
        errors=tuple(error_record(each) for each in pipeline.streams.error),
        state=STATES.get(pipeline.state, "Failed"),
        elapsed_s=elapsed_s,
    )


def windows_object(value: object) -> WindowsObject:
    """Give one output as plain data."""
    if not isinstance(value, GenericComplexObject):
        return WindowsObject(value=plain(value))
    wrapped = list(value.property_sets)
    return WindowsObject(
        type_names=tuple(name.removeprefix(_DESERIALIZED) for name in value.types),
        raw={name: plain(each) for name, each in value.adapted_properties.items()},
        text={name: plain(each) for name, each in value.extended_properties.items()},
        value=plain(wrapped[0]) if len(wrapped) == 1 else [plain(each) for each in wrapped] or None,
    )


def plain(value: object) -> object:
    """Give a value as plain data: an enum object as its number, other objects as their text."""
    if value is None or isinstance(value, bool | int | float | str | bytes):
        return value
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if isinstance(value, dict):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, GenericComplexObject):
        if len(value.property_sets) == 1:
            return plain(value.property_sets[0])
        return value.to_string
    return str(value)


def error_record(record: PsrpErrorRecord) -> ErrorRecord:
    """Give an error record; its text is what a person would see."""
    number = record.category if isinstance(record.category, int) else 0
    return ErrorRecord(
        fqid=str(record.fq_error or ""),
        category=CATEGORIES[number] if number < len(CATEGORIES) else str(number),
        message=str(record),
        target=str(record.target_name or ""),
    )
