"""What stands on Windows of the boot tasks: the tasks, program and data, and who could change those."""

from __future__ import annotations

import base64
from dataclasses import asdict
from typing import TYPE_CHECKING

from wslnet_win_agent.boot.access import strangers
from wslnet_win_agent.boot.guard_files import NETWORK
from wslnet_win_agent.boot.places import (
    DATA_FILE,
    DATA_FOLDER,
    PROGRAM,
    PROGRAM_FOLDER,
    order_name,
    report_name,
)
from wslnet_win_agent.boot.startup_script import SCRIPTS_FILE, scripts_in
from wslnet_win_agent.bridge import demand
from wslnet_win_agent.calls import files
from wslnet_win_agent.calls import tasks as calls
from wslnet_win_agent.values import integer, named, text

from .files import read_file
from .session import user_sid

if TYPE_CHECKING:
    from wslnet_win_agent.bridge import Reply, WindowsObject
    from wslnet_win_agent.host import Host

_FILE_SYSTEM = "FileSystem::"
_DATA = (DATA_FOLDER, DATA_FILE, *(rf"{DATA_FOLDER}\{name(NETWORK)}" for name in (order_name, report_name)))
"""The folder, the data, and whatever else SYSTEM reads in it."""

_NEVER_RUN = 0x41303
RUNNING = "Running"
_STATES = {0: "Unknown", 1: "Disabled", 2: "Queued", 3: "Ready", 4: RUNNING}
"""State of MSFT_ScheduledTask, which the documents' tables lack (windows-facts 1.1)."""


def boot(host: Host) -> dict[str, object]:
    """Give the fact of docs/protocols.md 2."""
    name, sid = _user(host)
    security = _security(host, (PROGRAM_FOLDER, PROGRAM, *_DATA))
    content = read_file(host, DATA_FILE).content if DATA_FOLDER.casefold() in security else None
    return {
        "user": name,
        "sid": sid,
        "tasks": _tasks(host),
        "program": _place((PROGRAM_FOLDER, PROGRAM), security),
        "startup": [asdict(one) for one in scripts_in(read_file(host, SCRIPTS_FILE).content)],
        "data": _place(_DATA, security)
        | {"content": None if content is None else base64.b64encode(content).decode()},
    }


def _user(host: Host) -> tuple[str, str]:
    """Who this session is: the name as an export of a task would spell it, and the SID.

    whoami writes in the console's code page, so of its words only the SID is taken.
    """
    sid = user_sid(host.native)
    rows = host.read([files.user_name()]).outputs
    words = [text(row.get("Value")) for row in rows]
    return "\\".join(word for word in words if word), sid


def _security(host: Host, paths: tuple[str, ...]) -> dict[str, str]:
    reply = host.read([files.access(paths)])
    others = tuple(error for error in reply.errors if not error.is_not_found)
    if others:
        demand(reply, "who may write what the boot tasks use")
    found = {}
    for row in reply.outputs:
        path = (text(row.get("Path")) or text(row.get("PSPath")) or "").rpartition(_FILE_SYSTEM)[2]
        found[path.casefold()] = text(row.get("Sddl")) or ""
    return found


def _place(paths: tuple[str, ...], security: dict[str, str]) -> dict[str, object]:
    folder, file = paths[:2]
    others = [
        f"{path}: {who}"
        for path in paths
        if path.casefold() in security
        for who in strangers(security[path.casefold()])
    ]
    return {"path": file, "exists": file.casefold() in security, "folder": folder, "strangers": others}


def task_states(host: Host) -> dict[str, str | None]:
    """Give the state of each of our tasks by its name: `Ready`, `Running`, `Queued`, `Disabled`."""
    return {text(row.get("TaskName")) or "": named(row.get("State"), _STATES) for row in _rows(host)}


def _tasks(host: Host) -> list[dict[str, object]]:
    return [_task(host, row) for row in _rows(host)]


def _rows(host: Host) -> tuple[WindowsObject, ...]:
    reply = host.read([calls.tasks()])
    if any(not error.is_not_found for error in reply.errors):
        demand(reply, "the scheduled tasks")
    return tuple(reply.rows("MSFT_ScheduledTask"))


def _task(host: Host, row: WindowsObject) -> dict[str, object]:
    name = text(row.get("TaskName")) or ""
    details = demand(host.read([calls.export(name), calls.info(name)]), f"the task {name}")
    info = details.rows("MSFT_TaskDynamicInfo")
    result = integer(info[0].get("LastTaskResult")) if info else None
    ran = result not in {None, _NEVER_RUN}
    return {
        "name": name,
        "state": named(row.get("State"), _STATES),
        "xml": _xml(details),
        "last_result": result,
        "last_run": text(info[0].get("LastRunTime")) if ran else None,
    }


def _xml(details: Reply) -> str:
    given = next((each.value for each in details.outputs if isinstance(each.value, str)), "")
    return given.replace("\r\n", "\n")
