"""Rows of the scheduler's CIM classes, with their embedded instances as a real engine sends them.

Source: corpus/cim obj_task_*, windows-facts 1.1.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from wslnet_lab.host.contract import CimInstance, CimValue

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wslnet_lab.host.tasks.definition import Action, Trigger
    from wslnet_lab.host.tasks.store import Task

NAMESPACE = "Root/Microsoft/Windows/TaskScheduler"
TASK = "MSFT_ScheduledTask"
INFO = "MSFT_TaskDynamicInfo"
_STATES = {"Disabled": 1, "Queued": 2, "Ready": 3, "Running": 4}
_LOGON_TYPES = {"Password": 1, "S4U": 2, "InteractiveToken": 3, "InteractiveTokenOrPassword": 6}
_SERVICE_ACCOUNT = 5
_INSTANCES = {"Parallel": 0, "Queue": 1, "IgnoreNew": 2, "StopExisting": 3}
_TRIGGERS = {
    "boot": "MSFT_TaskBootTrigger",
    "logon": "MSFT_TaskLogonTrigger",
    "event": "MSFT_TaskEventTrigger",
    "time": "MSFT_TaskTimeTrigger",
}
_NEVER = datetime(1999, 11, 30, tzinfo=UTC)
_SERVICES = {"S-1-5-18": "SYSTEM", "S-1-5-19": "LOCAL SERVICE"}


def task_row(task: Task, state: str) -> CimInstance:
    """A task as Get-ScheduledTask gives it."""
    definition = task.definition
    registration = definition.registration
    texts = {
        name: ("string", registration.get(name))
        for name in (
            "Author", "Date", "Description", "Documentation",
            "SecurityDescriptor", "Source", "URI", "Version",
        )
    }  # fmt: skip
    own = {
        "TaskName": ("string", task.name),
        "TaskPath": ("string", task.path),
        "State": ("uint8", _STATES[state]),
        **texts,
        "Principal": ("instance", _principal(task)),
        "Settings": ("instance", _settings(task)),
        "Triggers": ("instance[]", [_trigger(each) for each in definition.triggers]),
        "Actions": ("instance[]", [_action(each) for each in definition.actions]),
    }
    return _row(TASK, own, ("TaskName", "TaskPath"), {"State": state})


def info_row(task: Task) -> CimInstance:
    """A task as Get-ScheduledTaskInfo gives it; event and logon triggers have no next time."""
    own = {
        "LastRunTime": ("datetime", task.last_run or _NEVER),
        "LastTaskResult": ("uint32", task.last_result),
        "NextRunTime": ("datetime", None),
        "NumberOfMissedRuns": ("uint32", 0),
        "TaskName": ("string", task.name),
        "TaskPath": ("string", task.path),
    }
    return _row(INFO, own, ("TaskName", "TaskPath"))


def _principal(task: Task) -> CimInstance:
    one = task.definition.principal
    return _row(
        "MSFT_TaskPrincipal2",
        {
            "DisplayName": ("string", None),
            "GroupId": ("string", None),
            "Id": ("string", one.id),
            "LogonType": ("uint8", _LOGON_TYPES.get(one.logon_type or "", _SERVICE_ACCOUNT)),
            "RunLevel": ("uint8", int(one.highest)),
            "UserId": ("string", _SERVICES.get(one.user, one.user)),
        },
    )


def _settings(task: Task) -> CimInstance:
    held = task.definition.settings
    flags = (
        "AllowHardTerminate", "DisallowStartIfOnBatteries", "Enabled", "Hidden", "RunOnlyIfIdle",
        "RunOnlyIfNetworkAvailable", "StartWhenAvailable", "StopIfGoingOnBatteries", "WakeToRun",
    )  # fmt: skip
    own: dict[str, tuple[str, object]] = {name: ("boolean", held[name] == "true") for name in flags}
    own["Enabled"] = ("boolean", task.enabled)
    own["AllowDemandStart"] = ("boolean", held["AllowStartOnDemand"] == "true")
    own["ExecutionTimeLimit"] = ("string", held["ExecutionTimeLimit"])
    own["MultipleInstances"] = ("uint8", _INSTANCES[held["MultipleInstancesPolicy"]])
    own["Priority"] = ("uint8", int(held["Priority"]))
    own["RestartCount"] = ("uint8", int(task.definition.restart.get("Count", "0")))
    own["RestartInterval"] = ("string", task.definition.restart.get("Interval"))
    return _row("MSFT_TaskSettings3", own)


def _trigger(trigger: Trigger) -> CimInstance:
    delay = f"PT{trigger.delay_s:.0f}S" if trigger.delay_s else None
    own: dict[str, tuple[str, object]] = {
        "Enabled": ("boolean", trigger.enabled),
        "StartBoundary": ("string", trigger.at.isoformat() if trigger.at is not None else None),
    }
    if trigger.kind != "time":
        own["Delay"] = ("string", delay)
    if trigger.kind == "logon":
        own["UserId"] = ("string", trigger.user)
    elif trigger.kind == "event":
        own["Subscription"] = ("string", trigger.subscription)
    return _row(_TRIGGERS[trigger.kind], own)


def _action(action: Action) -> CimInstance:
    return _row(
        "MSFT_TaskExecAction",
        {
            "Id": ("string", None),
            "Arguments": ("string", action.arguments or None),
            "Execute": ("string", action.command),
            "WorkingDirectory": ("string", action.folder),
        },
    )


def _row(
    class_name: str,
    values: Mapping[str, tuple[str, object]],
    keys: tuple[str, ...] = (),
    friendly: Mapping[str, object] | None = None,
) -> CimInstance:
    properties = {name: CimValue(kind, value) for name, (kind, value) in values.items()}
    return CimInstance(NAMESPACE, class_name, properties, keys, friendly or {})
