"""What a task is, read from its XML as strictly as the service reads it (windows-facts 4).

Elements in the order the published schema demands, values of its types, nothing unknown. It runs nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from wslnet_lab.host.tasks import schema
from wslnet_lab.host.tasks.schema import (
    INVALID_VALUE,
    MALFORMED,
    MISSING_NODE,
    NAMESPACE,
    UNEXPECTED_NODE,
    WRONG_NAMESPACE,
    TaskXmlError,
    seconds,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_MOST_ACTIONS = 32


@dataclass(frozen=True, slots=True)
class Trigger:
    """One trigger: `kind` is boot, logon, event or time; `at` is when, `delay_s` how long after."""

    kind: str
    enabled: bool
    delay_s: float
    user: str | None = None
    subscription: str | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Principal:
    """Who a task runs as; `logon_type` None for a service account."""

    id: str | None
    user: str
    logon_type: str | None
    highest: bool


@dataclass(frozen=True, slots=True)
class Action:
    """A program with its arguments as one text."""

    command: str
    arguments: str = ""
    folder: str | None = None


@dataclass(frozen=True)
class Definition:
    """A task. `settings` holds every setting with its default where the XML is silent."""

    registration: Mapping[str, str]
    triggers: tuple[Trigger, ...]
    principal: Principal
    settings: Mapping[str, str]
    actions: tuple[Action, ...]
    restart: Mapping[str, str] = field(default_factory=dict)

    @property
    def enabled(self) -> bool:
        """Whether its triggers count and it may be started."""
        return self.settings["Enabled"] == "true"

    @property
    def limit_s(self) -> float:
        """How long it may run, in seconds; 0: for ever."""
        return seconds(self.settings["ExecutionTimeLimit"])


def read(xml: str) -> Definition:
    """Reads a definition.

    Raises:
        TaskXmlError: The service would refuse it; `code` is the HRESULT.
    """
    root = _root(xml)
    parts = schema.children(root, schema.TASK)
    if "Actions" not in parts:
        raise TaskXmlError(MISSING_NODE, "Actions")
    registration = schema.texts(parts.get("RegistrationInfo"), schema.REGISTRATION)
    principal = _principal(parts.get("Principals"))
    return Definition(
        registration=registration,
        triggers=tuple(_triggers(parts.get("Triggers"))),
        principal=principal,
        settings=_settings(parts.get("Settings")),
        actions=_actions(parts["Actions"], principal),
        restart=_restart(parts.get("Settings")),
    )


def _root(xml: str) -> ET.Element:
    schema.check_prolog(xml)
    try:
        root = ET.fromstring(schema.without_prolog(xml))  # noqa: S314 - sent by a logged-on client of the lab
    except ET.ParseError as error:
        raise TaskXmlError(MALFORMED, str(error)) from error
    namespace, _, name = root.tag[1:].partition("}") if root.tag.startswith("{") else ("", "", root.tag)
    if namespace != NAMESPACE:
        raise TaskXmlError(WRONG_NAMESPACE, root.tag)
    if name != "Task":
        raise TaskXmlError(UNEXPECTED_NODE, name)
    version = root.get("version", "1.0")
    if version not in schema.VERSIONS:
        raise TaskXmlError(INVALID_VALUE, f"version:{version}")
    return root


def _triggers(node: ET.Element | None) -> Iterator[Trigger]:
    for each in node if node is not None else ():
        name = schema.name_of(each)
        if name not in schema.TRIGGERS:
            raise TaskXmlError(UNEXPECTED_NODE, name)
        values = schema.ordered_texts(each, (*schema.TRIGGER_BASE, *schema.TRIGGERS[name]))
        if name == "EventTrigger":
            schema.check_subscription(values.get("Subscription"))
        if name == "TimeTrigger" and "StartBoundary" not in values:
            raise TaskXmlError(MISSING_NODE, "StartBoundary")
        yield Trigger(
            kind=name.removesuffix("Trigger").lower(),
            enabled=values.get("Enabled", "true") == "true",
            delay_s=seconds(values.get("Delay", "PT0S")),
            user=values.get("UserId"),
            subscription=values.get("Subscription"),
            at=_moment(values["StartBoundary"]) if name == "TimeTrigger" else None,
        )


def _moment(text: str) -> datetime:
    """A boundary; without an offset it is meant in the zone of this machine.

    Raises:
        TaskXmlError: It is no moment.
    """
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except ValueError as error:
        raise TaskXmlError(INVALID_VALUE, f"StartBoundary:{text}") from error


def _principal(node: ET.Element | None) -> Principal:
    found = list(node) if node is not None else []
    if len(found) != 1 or schema.name_of(found[0]) != "Principal":
        raise TaskXmlError(MISSING_NODE if not found else UNEXPECTED_NODE, "Principal")
    values = schema.texts(found[0], schema.PRINCIPAL)
    user = values.get("UserId")
    if user is None:
        raise TaskXmlError(MISSING_NODE, "UserId")
    return Principal(
        id=found[0].get("id"),
        user=user,
        logon_type=values.get("LogonType"),
        highest=values.get("RunLevel") == "HighestAvailable",
    )


def _settings(node: ET.Element | None) -> dict[str, str]:
    parts = schema.children(node, schema.SETTINGS) if node is not None else {}
    plain = {name: schema.value(part, schema.SETTINGS[name]) for name, part in parts.items() if not len(part)}
    return {**schema.SETTING_DEFAULTS, **plain}


def _restart(node: ET.Element | None) -> dict[str, str]:
    parts = schema.children(node, schema.SETTINGS) if node is not None else {}
    if "RestartOnFailure" not in parts:
        return {}
    values = schema.texts(parts["RestartOnFailure"], schema.RESTART)
    for name in schema.RESTART:
        if name not in values:
            raise TaskXmlError(MISSING_NODE, name)
    if seconds(values["Interval"]) < schema.SHORTEST_RESTART_S or int(values["Count"]) < 1:
        raise TaskXmlError(INVALID_VALUE, "RestartOnFailure")
    return values


def _actions(node: ET.Element, principal: Principal) -> tuple[Action, ...]:
    context = node.get("Context")
    if context is not None and context != principal.id:
        raise TaskXmlError(INVALID_VALUE, f"Context:{context}")
    if not 1 <= len(node) <= _MOST_ACTIONS:
        raise TaskXmlError(MISSING_NODE, "Exec")
    found = []
    for each in node:
        if schema.name_of(each) != "Exec":
            raise TaskXmlError(UNEXPECTED_NODE, schema.name_of(each))
        values = schema.ordered_texts(each, schema.EXEC)
        if not values.get("Command"):
            raise TaskXmlError(MISSING_NODE, "Command")
        found.append(Action(values["Command"], values.get("Arguments", ""), values.get("WorkingDirectory")))
    return tuple(found)
