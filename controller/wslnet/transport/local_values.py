"""Statements into psrpcore's pipelines, and its objects into the plain data of the Windows half."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from psrpcore import ClientPowerShell
from psrpcore import types as ps

from wslnet.transport.psrp_names import CATEGORIES
from wslnet_win_agent.bridge import ErrorRecord, WindowsObject
from wslnet_win_agent.crossing import Wide

if TYPE_CHECKING:
    from psrpcore import ClientRunspacePool

    from wslnet_win_agent.send import Batch

_WIDE = {"I64": ps.PSInt64, "U64": ps.PSUInt64}
_DESERIALIZED = "Deserialized."
_PLAIN = (int, float, str, bytes, list, dict, timedelta, datetime)
_FRACTION = re.compile(r"\.?0+$")
_DAY_S = 86400


def pipeline_of(pool: ClientRunspacePool, batch: Batch) -> ClientPowerShell:
    """Give a new pipeline of the pool with the statements of a batch."""
    pipeline = ClientPowerShell(pool)
    for position, statement in enumerate(batch.statements):
        if position:
            pipeline.add_statement()
        pipeline.add_command(statement.cmdlet)
        for name, value in statement.parameters.items():
            pipeline.add_parameter(name, _outgoing(value))
    return pipeline


def _outgoing(value: object) -> object:
    if isinstance(value, list):
        return [_outgoing(each) for each in value]
    if isinstance(value, Wide):
        return _WIDE[value.tag](value.value)
    return value


def windows_object(value: object) -> WindowsObject:
    """Give one output as plain data."""
    meta: Any = getattr(value, "PSObject", None)
    raw = _properties(meta, "adapted_properties")
    text = _properties(meta, "extended_properties")
    names = tuple(name.removeprefix(_DESERIALIZED) for name in meta.type_names) if meta else ()
    if not isinstance(value, _PLAIN) and (raw or text):
        return WindowsObject(names, raw, text)
    # A plain value is known by its notes alone: every one has a type name, and it says nothing.
    return WindowsObject(names, {}, text, plain(value)) if text else WindowsObject(value=plain(value))


def _properties(meta: Any, kind: str) -> dict[str, object]:  # noqa: ANN401 - psrpcore types nothing here
    return {each.name: plain(each.get_value(None)) for each in getattr(meta, kind, ())}


def plain(value: object) -> object:
    """Give a value as plain data: an enum as its number, a TimeSpan as its text, other objects as theirs."""
    if isinstance(value, list):
        return [plain(each) for each in value]
    if isinstance(value, dict):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, timedelta):
        return duration_text(value)
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return _scalar(value)


def _scalar(value: object) -> object:
    """Give a number, text or bytes without psrpcore's own class around it."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, bytes):
        return bytes(value)
    if isinstance(value, str):
        return str.__str__(value)
    meta = getattr(value, "PSObject", None)
    return str(getattr(meta, "to_string", None) or value)


def duration_text(value: timedelta) -> str:
    """Give a TimeSpan as Windows writes it (`PT30M`), the form in which the other bridge gives it."""
    sign = "-" if value < timedelta(0) else ""
    whole, fraction = divmod(abs(value), timedelta(seconds=1))
    days, rest = divmod(whole, _DAY_S)
    hours, rest = divmod(rest, 3600)
    minutes, seconds = divmod(rest, 60)
    ticks = fraction.microseconds * 10 + getattr(value, "nanosecond", 0) // 100
    clock = f"{hours}H" * bool(hours) + f"{minutes}M" * bool(minutes)
    if seconds or ticks:
        clock += _FRACTION.sub("", f"{seconds}.{ticks:07}") + "S"
    text = f"{days}D" * bool(days) + (f"T{clock}" if clock else "")
    return f"{sign}P{text or 'T0S'}"


def error_record(record: object) -> ErrorRecord:
    """Give an error record, whichever of the two kinds it is.

    Those of CDXML commands are `RemotingErrorRecord`s, a name that psrpcore does not know: they arrive as
    plain objects with the fields that cross the wire (cdxml-facts 1.1).
    """
    if isinstance(record, ps.ErrorRecord):
        info = record.CategoryInfo
        return ErrorRecord(
            fqid=str(record.FullyQualifiedErrorId or ""),
            category=_category(int(info.Category)),
            message=_message(record.ErrorDetails and record.ErrorDetails.Message, record.Exception),
            target=str(info.TargetName or ""),
        )
    return ErrorRecord(
        fqid=str(getattr(record, "FullyQualifiedErrorId", None) or ""),
        category=_category(getattr(record, "ErrorCategory_Category", None)),
        message=_message(getattr(record, "ErrorDetails_Message", None), getattr(record, "Exception", record)),
        target=str(getattr(record, "ErrorCategory_TargetName", None) or ""),
    )


def _category(number: object) -> str:
    if not isinstance(number, int):
        return CATEGORIES[0]
    return CATEGORIES[number] if 0 <= number < len(CATEGORIES) else str(int(number))


def _message(details: object, exception: object) -> str:
    return str(details or getattr(exception, "Message", None) or exception or "")
