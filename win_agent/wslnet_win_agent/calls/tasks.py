r"""Scheduled tasks below `\wslnet\` (ScheduledTasks), registered from XML: objects do not cross."""

from __future__ import annotations

from wslnet_win_agent.boot.task import FOLDER
from wslnet_win_agent.call import Call


def tasks() -> Call:
    """All tasks of our folder; an empty folder is an error of the kind not-found."""
    return Call("Get-ScheduledTask", {"TaskPath": [FOLDER]})


def export(name: str) -> Call:
    """The definition of one task as XML."""
    return Call("Export-ScheduledTask", {"TaskName": name, "TaskPath": FOLDER})


def info(name: str) -> Call:
    """When one task ran last, and with what result."""
    return Call("Get-ScheduledTaskInfo", {"TaskName": name, "TaskPath": FOLDER})


def register(name: str, xml: str) -> Call:
    """Write: a task, in the place of one of the same name."""
    return Call("Register-ScheduledTask", {"TaskName": name, "TaskPath": FOLDER, "Xml": xml, "Force": True})


def unregister(name: str) -> Call:
    """Write: one task gone."""
    return Call("Unregister-ScheduledTask", {"TaskName": [name], "TaskPath": [FOLDER]})


def start(name: str) -> Call:
    """Write: one task started on demand."""
    return Call("Start-ScheduledTask", {"TaskName": name, "TaskPath": FOLDER})


def stop(name: str) -> Call:
    """Write: the run of one task ended."""
    return Call("Stop-ScheduledTask", {"TaskName": name, "TaskPath": FOLDER})
