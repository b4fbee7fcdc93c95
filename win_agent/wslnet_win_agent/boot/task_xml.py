"""A task as the XML that Register-ScheduledTask takes, and back from what Export-ScheduledTask gives.

Written in the order of the published schema and without a prolog, whose encoding Windows would refuse;
read with the schema's defaults, since an export leaves them out (windows-facts 4).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from wslnet_win_agent.errors import WindowsAgentError

from .task import AUTHOR, FOLDER, LOCAL_SERVICE_SID, SERVICES, SYSTEM_SID, Event, Task, Trigger

if TYPE_CHECKING:
    from collections.abc import Mapping

NAMESPACE = "http://schemas.microsoft.com/windows/2004/02/mit/task"
_VERSION = "1.2"
_PRINCIPAL = "Author"
_RETRY = {"Interval": "PT1M", "Count": "3"}
_NAMES = {"boot": "BootTrigger", "logon": "LogonTrigger", "event": "EventTrigger", "time": "TimeTrigger"}
_KINDS = {name: kind for kind, name in _NAMES.items()}
_SERVICE_NAMES = {
    "s-1-5-18": SYSTEM_SID,
    "system": SYSTEM_SID,
    "nt authority\\system": SYSTEM_SID,
    "s-1-5-19": LOCAL_SERVICE_SID,
    "local service": LOCAL_SERVICE_SID,
    "nt authority\\local service": LOCAL_SERVICE_SID,
}
_DELAY = re.compile(r"PT(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+)S)?")
_PROLOG = re.compile(r"\s*<\?xml[^?]*\?>")
_MINUTE = 60


def write_task(task: Task) -> str:
    """Give the XML of a task."""
    root = ET.Element("Task", {"version": _VERSION, "xmlns": NAMESPACE})
    registration = ET.SubElement(root, "RegistrationInfo")
    _add(registration, "Author", AUTHOR)
    _add(registration, "Version", task.version)
    _add(registration, "URI", FOLDER + task.name)
    if task.starters:
        _add(registration, "SecurityDescriptor", _descriptor(task.starters))
    triggers = ET.SubElement(root, "Triggers")
    for each in task.triggers:
        _add_trigger(triggers, each)
    principal = ET.SubElement(ET.SubElement(root, "Principals"), "Principal", {"id": _PRINCIPAL})
    _add(principal, "UserId", task.user)
    if task.logon:
        _add(principal, "LogonType", task.logon)
    _add(principal, "RunLevel", "HighestAvailable" if task.highest else "LeastPrivilege")
    _add_settings(ET.SubElement(root, "Settings"), task)
    action = ET.SubElement(ET.SubElement(root, "Actions", {"Context": _PRINCIPAL}), "Exec")
    _add(action, "Command", task.command)
    _add(action, "Arguments", task.arguments)
    return ET.tostring(root, encoding="unicode")


def read_task(name: str, xml: str, sids: Mapping[str, str]) -> Task:
    """Give the task that an export describes; `sids` maps account names, in lower case, to SIDs.

    Raises:
        WindowsAgentError: `failed` when it is no task that wslnet could have made.
    """
    try:
        root = ET.fromstring(_PROLOG.sub("", xml, count=1))  # noqa: S314 - from this Windows' own scheduler
        triggers = tuple(_trigger(each, sids) for each in root.findall(_path("Triggers/*")))
    except ET.ParseError as error:
        raise WindowsAgentError("failed", f"{FOLDER}{name}: its XML cannot be read: {error}") from error
    actions = root.findall(_path("Actions/*"))
    user = _sid(_text(root, "Principals/Principal/UserId"), sids)
    retry = {key: _text(root, f"Settings/RestartOnFailure/{key}") for key in _RETRY}
    if len(actions) != 1 or not _ours(root, retry):
        raise WindowsAgentError("failed", f"{FOLDER}{name} was changed by somebody else")
    return Task(
        name=name,
        user=user,
        logon="" if user in SERVICES else _text(root, "Principals/Principal/LogonType"),
        highest=_text(root, "Principals/Principal/RunLevel") == "HighestAvailable",
        triggers=triggers,
        instances=_text(root, "Settings/MultipleInstancesPolicy") or "IgnoreNew",
        limit=_text(root, "Settings/ExecutionTimeLimit") or "PT72H",
        command=_text(root, "Actions/Exec/Command"),
        arguments=_text(root, "Actions/Exec/Arguments"),
    )


def version_of(xml: str) -> str | None:
    """Give RegistrationInfo/Version of a task that says it is wslnet's; None for anybody else's."""
    try:
        root = ET.fromstring(_PROLOG.sub("", xml, count=1))  # noqa: S314 - as above
    except ET.ParseError:
        return None
    ours = _text(root, "RegistrationInfo/Author") == AUTHOR
    return _text(root, "RegistrationInfo/Version") if ours else None


def _add(parent: ET.Element, name: str, text: str) -> None:
    ET.SubElement(parent, name).text = text


def _add_trigger(parent: ET.Element, trigger: Trigger) -> None:
    """The base elements first, then the specific ones, `Delay` last: any other order is refused."""
    node = ET.SubElement(parent, _NAMES[trigger.kind])
    _add(node, "Enabled", "true")
    if trigger.kind == "time":
        _add(node, "StartBoundary", trigger.at)
    if trigger.kind == "event":
        _add(node, "Subscription", _query(trigger.events))
    if trigger.kind == "logon":
        _add(node, "UserId", trigger.user)
    if trigger.delay_s:
        _add(node, "Delay", f"PT{trigger.delay_s}S")


def _add_settings(settings: ET.Element, task: Task) -> None:
    """Four of the defaults would bite: batteries twice, the time limit, missed starts (windows-facts 4)."""
    retry = ET.SubElement(settings, "RestartOnFailure")
    for name, text in _RETRY.items():
        _add(retry, name, text)
    _add(settings, "MultipleInstancesPolicy", task.instances)
    for name, text in _FIXED.items():
        _add(settings, name, text)
    _add(settings, "ExecutionTimeLimit", task.limit)


_FIXED = {
    "DisallowStartIfOnBatteries": "false",
    "StopIfGoingOnBatteries": "false",
    "StartWhenAvailable": "true",
}


def _query(events: tuple[Event, ...]) -> str:
    root = ET.Element("QueryList")
    query = ET.SubElement(root, "Query", {"Id": "0", "Path": events[0].channel})
    for each in events:
        ET.SubElement(query, "Select", {"Path": each.channel}).text = each.select
    return ET.tostring(root, encoding="unicode")


def _events(text: str) -> tuple[Event, ...]:
    root = ET.fromstring(text)  # noqa: S314 - as above
    return tuple(Event(each.get("Path", ""), each.text or "") for each in root.iter("Select"))


def _descriptor(starters: tuple[str, ...]) -> str:
    """Full access for SYSTEM and administrators; the starters may read and run, and nobody else anything."""
    return "D:P(A;;FA;;;SY)(A;;FA;;;BA)" + "".join(f"(A;;FRFX;;;{sid})" for sid in starters)


def _trigger(node: ET.Element, sids: Mapping[str, str]) -> Trigger:
    kind = _KINDS.get(node.tag.rpartition("}")[2], "")
    match = _DELAY.fullmatch(_text(node, "Delay") or "PT0S")
    subscription = _text(node, "Subscription")
    disabled = _text(node, "Enabled") == "false"
    return Trigger(
        kind="" if disabled or match is None else kind,
        delay_s=int(match["minutes"] or 0) * _MINUTE + int(match["seconds"] or 0) if match else 0,
        user=_sid(_text(node, "UserId"), sids) if kind == "logon" else "",
        events=_events(subscription) if subscription else (),
        at=_text(node, "StartBoundary") if kind == "time" else "",
    )


def _ours(root: ET.Element, retry: Mapping[str, str]) -> bool:
    """Whether the settings that are the same for all our tasks are as we write them."""
    kept = all(_text(root, f"Settings/{name}") == text for name, text in _FIXED.items())
    return kept and retry == _RETRY and _text(root, "Settings/Enabled") != "false"


def _sid(name: str, sids: Mapping[str, str]) -> str:
    fold = name.casefold()
    return _SERVICE_NAMES.get(fold) or sids.get(fold, name)


def _text(node: ET.Element, path: str) -> str:
    return (node.findtext(_path(path)) or "").strip()


def _path(path: str) -> str:
    return "/".join(part if part == "*" else f"{{{NAMESPACE}}}{part}" for part in path.split("/"))
