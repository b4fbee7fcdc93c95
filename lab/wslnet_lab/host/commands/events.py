"""Get-WinEvent over the Application log, where WSL writes its warnings (wsl-facts 1.2)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from wslnet_lab.host.commands.provider_errors import no_such_name, not_modelled
from wslnet_lab.host.contract import BoundCall, CommandError, Number, PlainObject, Sink

if TYPE_CHECKING:
    from wslnet_lab.host.engine import Registry
    from wslnet_lab.host.state import MachineState

_TYPES = (
    "System.Diagnostics.Eventing.Reader.EventLogRecord",
    "System.Diagnostics.Eventing.Reader.EventRecord",
    "System.Object",
)
_LEVELS = {"Critical": 1, "Error": 2, "Warning": 3, "Information": 4}
_KEYS = frozenset({"logname", "providername", "starttime", "endtime", "level", "id"})


class EventLog:
    """The body."""

    def __init__(self, state: MachineState) -> None:
        self._state = state

    def get(self, call: BoundCall, sink: Sink) -> Iterator[object]:
        """By -FilterHashtable or -LogName, newest first; -MaxEvents cuts, -Oldest turns round."""
        for name in ("FilterXml", "FilterXPath", "Path", "ListLog", "ListProvider"):
            if call.parameters.get(name):
                raise CommandError(not_modelled(call.command, f"-{name}"))
        wanted = _filters(call)
        unknown = set(wanted) - _KEYS
        if unknown:
            raise CommandError(not_modelled(call.command, f"the filter {min(unknown)}"))
        rows = [row for row in self._state.events() if _matches(row, wanted)]
        if call.parameters.get("Oldest") is not True:
            rows.reverse()
        limit = call.parameters.get("MaxEvents")
        if isinstance(limit, Number):
            limit = limit.value
        if isinstance(limit, int):
            rows = rows[:limit]
        if not rows:
            message = "No events were found that match the specified selection criteria."
            sink.error(no_such_name(call.command, "NoMatchingEventsFound", message, ""))
        for row in rows:
            yield _record(row)


def register(registry: Registry, state: MachineState) -> None:
    """Enters Get-WinEvent."""
    registry.add("Get-WinEvent", EventLog(state).get)


def _filters(call: BoundCall) -> dict[str, object]:
    tables = call.parameters.get("FilterHashtable")
    table = tables[0] if isinstance(tables, list) and tables else tables
    found = {str(key).lower(): value for key, value in table.items()} if isinstance(table, Mapping) else {}
    for name in ("LogName", "ProviderName"):
        if name in call.parameters:
            found[name.lower()] = call.parameters[name]
    return found


def _matches(row: Mapping[str, str], wanted: Mapping[str, object]) -> bool:
    at = datetime.fromisoformat(row["at"])
    held = {"logname": "Application", "providername": row["source"]}
    for key, text in held.items():
        if key in wanted and text.lower() not in _lowered(wanted[key]):
            return False
    if "level" in wanted and str(_LEVELS[row["level"]]) not in _lowered(wanted["level"]):
        return False
    if "id" in wanted and "0" not in _lowered(wanted["id"]):
        return False
    return _time(wanted.get("starttime"), at) <= at <= _time(wanted.get("endtime"), at)


def _lowered(value: object) -> list[str]:
    items = value if isinstance(value, list | tuple) else [value]
    return [str(item.value if isinstance(item, Number) else item).lower() for item in items]


def _time(value: object, default: datetime) -> datetime:
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    if not isinstance(value, datetime):
        return default
    return value if value.tzinfo else value.replace(tzinfo=UTC)


def _record(row: Mapping[str, str]) -> PlainObject:
    properties = {
        "Id": 0,
        "ProviderName": row["source"],
        "LogName": "Application",
        "Level": Number("By", _LEVELS[row["level"]]),
        "LevelDisplayName": row["level"],
        "TimeCreated": datetime.fromisoformat(row["at"]),
    }
    return PlainObject(_TYPES, properties, {"Message": row["text"]}, to_string=_TYPES[0])
