"""The published schema of tasks as tables, and the small readers that hold a document to them.

Source: desktop-src/TaskSchd/task-scheduler-schema.md as compiled for windows-facts 4. The order rules are the
measured ones: any order among the children of Task, Settings and RestartOnFailure, a strict one in triggers
and actions.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

NAMESPACE = "http://schemas.microsoft.com/windows/2004/02/mit/task"
VERSIONS = frozenset({"1.0", "1.1", "1.2", "1.3", "1.4", "1.5", "1.6"})
UNEXPECTED_NODE, WRONG_NAMESPACE, INVALID_VALUE = 0x80041316, 0x80041317, 0x80041318
MISSING_NODE, MALFORMED = 0x80041319, 0x8004131A
SHORTEST_RESTART_S = 60

_DURATION = re.compile(
    r"P(?=.)(?:(?P<days>\d+)D)?(?:T(?=.)(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+)S)?)?"
)
_BOOLEAN = r"true|false"
_TEXT = r"[\s\S]*"
_SPAN = _DURATION.pattern

TASK = dict.fromkeys(("RegistrationInfo", "Triggers", "Settings", "Data", "Principals", "Actions"), _TEXT)
REGISTRATION = dict.fromkeys(
    (
        "URI",
        "SecurityDescriptor",
        "Source",
        "Date",
        "Author",
        "Version",
        "Description",
        "Documentation",
    ),
    _TEXT,
)
TRIGGER_BASE: tuple[tuple[str, str], ...] = (
    ("Enabled", _BOOLEAN),
    ("StartBoundary", _TEXT),
    ("EndBoundary", _TEXT),
    ("Repetition", _TEXT),
    ("ExecutionTimeLimit", _SPAN),
)
TRIGGERS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "BootTrigger": (("Delay", _SPAN),),
    "LogonTrigger": (("UserId", _TEXT), ("Delay", _SPAN)),
    "EventTrigger": (("Subscription", _TEXT), ("Delay", _SPAN)),
    "TimeTrigger": (("RandomDelay", _SPAN),),
}
PRINCIPAL = {
    "UserId": _TEXT,
    "LogonType": r"S4U|Password|InteractiveToken|InteractiveTokenOrPassword",
    "GroupId": _TEXT,
    "DisplayName": _TEXT,
    "RunLevel": r"LeastPrivilege|HighestAvailable",
}
SETTINGS = {
    "AllowStartOnDemand": _BOOLEAN,
    "RestartOnFailure": _TEXT,
    "MultipleInstancesPolicy": r"Parallel|Queue|IgnoreNew|StopExisting",
    "DisallowStartIfOnBatteries": _BOOLEAN,
    "StopIfGoingOnBatteries": _BOOLEAN,
    "AllowHardTerminate": _BOOLEAN,
    "StartWhenAvailable": _BOOLEAN,
    "NetworkProfileName": _TEXT,
    "RunOnlyIfNetworkAvailable": _BOOLEAN,
    "WakeToRun": _BOOLEAN,
    "Enabled": _BOOLEAN,
    "Hidden": _BOOLEAN,
    "DeleteExpiredTaskAfter": _SPAN,
    "IdleSettings": _TEXT,
    "NetworkSettings": _TEXT,
    "ExecutionTimeLimit": _SPAN,
    "Priority": r"[0-9]|10",
    "RunOnlyIfIdle": _BOOLEAN,
    "UseUnifiedSchedulingEngine": _BOOLEAN,
    "DisallowStartOnRemoteAppSession": _BOOLEAN,
}
SETTING_DEFAULTS = {
    "AllowStartOnDemand": "true",
    "MultipleInstancesPolicy": "IgnoreNew",
    "DisallowStartIfOnBatteries": "true",
    "StopIfGoingOnBatteries": "true",
    "AllowHardTerminate": "true",
    "StartWhenAvailable": "false",
    "RunOnlyIfNetworkAvailable": "false",
    "WakeToRun": "false",
    "Enabled": "true",
    "Hidden": "false",
    "ExecutionTimeLimit": "PT72H",
    "Priority": "7",
    "RunOnlyIfIdle": "false",
}
RESTART = {"Interval": _SPAN, "Count": r"\d{1,3}"}
EXEC: tuple[tuple[str, str], ...] = (("Command", _TEXT), ("Arguments", _TEXT), ("WorkingDirectory", _TEXT))

_PROLOG = re.compile(r"\s*<\?xml(?P<attributes>[^?]*)\?>")
_ENCODING = re.compile(r"encoding\s*=\s*[\"'](?P<name>[^\"']*)[\"']")


class TaskXmlError(Exception):
    """The service refuses a definition: an HRESULT, and its own kind of text, `(line,column):node:value`."""

    def __init__(self, code: int, what: str) -> None:
        super().__init__(f"(1,2):{what}:" if code != MALFORMED else what)
        self.code = code


def check_prolog(xml: str) -> None:
    """Refuses a prolog that names another encoding than the string has in memory (UTF-16)."""
    prolog = _PROLOG.match(xml)
    encoding = _ENCODING.search(prolog["attributes"]) if prolog is not None else None
    if encoding is not None and encoding["name"].upper() != "UTF-16":
        raise TaskXmlError(MALFORMED, "(1,40)::ERROR: unable to switch the encoding")


def without_prolog(xml: str) -> str:
    """The document without its prolog, which speaks of bytes and not of this text."""
    return _PROLOG.sub("", xml, count=1)


def seconds(text: str) -> float:
    """The length of a duration such as PT1H30M, in seconds; months and years do not occur here."""
    match = _DURATION.fullmatch(text)
    if match is None:
        raise TaskXmlError(INVALID_VALUE, text)
    days, hours, minutes, rest = (int(match[part] or 0) for part in ("days", "hours", "minutes", "seconds"))
    return float(((days * 24 + hours) * 60 + minutes) * 60 + rest)


def name_of(node: ET.Element) -> str:
    """The name of an element of the schema's namespace; any other is unexpected."""
    prefix = f"{{{NAMESPACE}}}"
    if not node.tag.startswith(prefix):
        raise TaskXmlError(UNEXPECTED_NODE, node.tag)
    return node.tag.removeprefix(prefix)


def children(node: ET.Element, allowed: Mapping[str, str]) -> dict[str, ET.Element]:
    """The children by name, each at most once, in any order."""
    found: dict[str, ET.Element] = {}
    for each in node:
        name = name_of(each)
        if name not in allowed or name in found:
            raise TaskXmlError(UNEXPECTED_NODE, name)
        found[name] = each
    return found


def texts(node: ET.Element | None, allowed: Mapping[str, str]) -> dict[str, str]:
    """The children's texts by name, each of its type."""
    parts = children(node, allowed) if node is not None else {}
    return {name: value(part, allowed[name]) for name, part in parts.items()}


def ordered_texts(node: ET.Element, allowed: Sequence[tuple[str, str]]) -> dict[str, str]:
    """As `texts`, but the children must stand in the order of `allowed`."""
    order = [name for name, _ in allowed]
    found = texts(node, dict(allowed))
    places = [order.index(name) for name in found]
    if places != sorted(places):
        late = next(name for at, name in enumerate(found) if places[at] < max(places[: at + 1]))
        raise TaskXmlError(UNEXPECTED_NODE, late)
    return found


def value(node: ET.Element, pattern: str) -> str:
    """The text of an element if it is of its type."""
    text = node.text or ""
    if not re.fullmatch(pattern, text):
        raise TaskXmlError(INVALID_VALUE, f"{name_of(node)}:{text}")
    return text


def check_subscription(text: str | None) -> None:
    """Refuses an event subscription that is no query list."""
    try:
        root = ET.fromstring(text or "")  # noqa: S314 - as above
    except ET.ParseError as error:
        raise TaskXmlError(INVALID_VALUE, "Subscription") from error
    if root.tag != "QueryList" or not root.findall("Query/Select"):
        raise TaskXmlError(INVALID_VALUE, "Subscription")
