"""The ScheduledTasks module: read, register by XML, start, stop, switch, export, unregister.

Administrators may do all; others see and start what a task's own security descriptor gives them. Registering
from objects and Set-ScheduledTask are not modelled and say so.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from wslnet_lab.host.commands.cim import text
from wslnet_lab.host.commands.read_only import ReadOnly
from wslnet_lab.host.commands.task_rows import TASK, info_row, task_row
from wslnet_lab.host.commands.writes import not_supported
from wslnet_lab.host.contract import CimInstance
from wslnet_lab.host.engine import Act, CdxmlCommand, Context, MethodResult, Query
from wslnet_lab.host.engine.provider import ProviderError, hresult_error
from wslnet_lab.host.tasks.export import export
from wslnet_lab.host.tasks.scheduler import CannotStartError, Scheduler
from wslnet_lab.host.tasks.schema import TaskXmlError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from wslnet_lab.host.contract import Identity
    from wslnet_lab.host.state import MachineState
    from wslnet_lab.host.tasks.store import Task

NOT_FOUND, DENIED, INVALID, EXISTS = 0x80070002, 0x80070005, 0x80070057, 0x800700B7
_ACE = re.compile(r"\(A;[^;]*;(?P<rights>[^;]*);[^;]*;[^;]*;(?P<sid>[^;)]*)\)")
_READ, _EXECUTE = "FR", "FX"
_ROOT = "\\"


class ScheduledTasks(ReadOnly):
    """The provider of MSFT_ScheduledTask."""

    def __init__(self, state: MachineState, scheduler: Scheduler) -> None:
        self._settings = state.settings
        self._scheduler = scheduler
        self._methods: Mapping[str, Callable[[Mapping[str, object], Context], object]] = {
            "RegisterByXml": self._register,
            "RegisterByUser": self._not_modelled,
            "Modify": self._not_modelled,
            "Start": self._start,
            "Stop": self._stop,
            "Enable": self._enable,
            "Disable": self._disable,
            "Export": self._export,
            "GetInfo": self._info,
        }

    def query(self, query: Query, context: Context) -> Iterable[CimInstance]:
        """The tasks that the session may see."""
        del query
        who = context.session.identity
        return [self._row(task) for task in self._scheduler.tasks.all() if _may(who, task, _READ)]

    def delete(self, row: CimInstance, context: Context) -> None:
        """Unregisters a task; an instance that runs goes on."""
        task = self._find(text(row, "TaskPath"), text(row, "TaskName"))
        _require_admin(context)
        self._scheduler.tasks.remove(task.key)

    def invoke(
        self, target: CimInstance | None, method: str, arguments: Mapping[str, object], context: Context
    ) -> MethodResult:
        """A static method, by the task's path and name or by the object itself."""
        del target
        output = self._methods[method](arguments, context)
        return MethodResult(outputs=() if output is None else (output,))

    # ---- methods -------------------------------------------------------------------------------------

    def _register(self, arguments: Mapping[str, object], context: Context) -> object:
        if "Xml" not in arguments:
            return self._not_modelled(arguments, context)
        _require_admin(context)
        path, name = _path(arguments.get("TaskPath")), str(arguments["TaskName"])
        if not name or set(name) & set('\\/:*?"<>|'):
            raise hresult_error(
                0x8007007B, "The filename, directory name, or volume label syntax is incorrect."
            )
        there = self._scheduler.tasks.find(path, name)
        if there is not None and arguments.get("Force") is not True:
            raise hresult_error(EXISTS, "Cannot create a file when that file already exists.")
        try:
            task = self._scheduler.tasks.put(path, name, str(arguments["Xml"]))
        except TaskXmlError as error:
            raise hresult_error(error.code, f"The task XML is refused. {error}") from error
        return self._row(task)

    def _start(self, arguments: Mapping[str, object], context: Context) -> object:
        task = self._of(arguments)
        _require(context, task, _EXECUTE)
        try:
            self._scheduler.start(task)
        except CannotStartError as error:
            raise hresult_error(
                error.code, "The operator or administrator has refused the request."
            ) from error
        return None

    def _stop(self, arguments: Mapping[str, object], context: Context) -> object:
        task = self._of(arguments)
        _require(context, task, _EXECUTE)
        self._scheduler.stop(task)
        return None

    def _enable(self, arguments: Mapping[str, object], context: Context) -> object:
        return self._switch(arguments, context, enabled=True)

    def _disable(self, arguments: Mapping[str, object], context: Context) -> object:
        return self._switch(arguments, context, enabled=False)

    def _switch(self, arguments: Mapping[str, object], context: Context, *, enabled: bool) -> object:
        task = self._of(arguments)
        _require_admin(context)
        self._scheduler.tasks.enable(task.key, enabled=enabled)
        return self._row(self._find(task.path, task.name))

    def _export(self, arguments: Mapping[str, object], context: Context) -> object:
        task = self._of(arguments)
        _require(context, task, _READ)
        names = {self._settings.owner_sid: f"{self._settings.computer}\\{self._settings.owner}"}
        return export(task.xml, names)

    def _info(self, arguments: Mapping[str, object], context: Context) -> object:
        task = self._of(arguments)
        _require(context, task, _READ)
        return info_row(task)

    def _not_modelled(self, arguments: Mapping[str, object], context: Context) -> object:
        raise not_supported(f"{context.command}: the lab does not model {', '.join(sorted(arguments))}")

    # ---- parts ---------------------------------------------------------------------------------------

    def _of(self, arguments: Mapping[str, object]) -> Task:
        given = arguments.get("InputObject")
        if isinstance(given, list) and given:
            given = given[0]
        if isinstance(given, CimInstance):
            return self._find(text(given, "TaskPath"), text(given, "TaskName"))
        return self._find(_path(arguments.get("TaskPath")), str(arguments.get("TaskName") or ""))

    def _find(self, path: str, name: str) -> Task:
        task = self._scheduler.tasks.find(path, name)
        if task is None:
            raise hresult_error(NOT_FOUND, "The system cannot find the file specified.")
        return task

    def _row(self, task: Task) -> CimInstance:
        return task_row(task, self._scheduler.state(task))


def commands(state: MachineState, scheduler: Scheduler) -> tuple[CdxmlCommand, ...]:
    """The commands on tasks; those that make parts of a task from values are not modelled."""
    tasks = ScheduledTasks(state, scheduler)
    methods = {
        "Register-ScheduledTask": "RegisterByXml",
        "Set-ScheduledTask": "Modify",
        "Start-ScheduledTask": "Start",
        "Stop-ScheduledTask": "Stop",
        "Enable-ScheduledTask": "Enable",
        "Disable-ScheduledTask": "Disable",
        "Export-ScheduledTask": "Export",
        "Get-ScheduledTaskInfo": "GetInfo",
    }
    return (
        CdxmlCommand("Get-ScheduledTask", TASK, Act.GET, tasks),
        CdxmlCommand("Unregister-ScheduledTask", TASK, Act.DELETE, tasks, prompts=True),
        *(CdxmlCommand(name, TASK, Act.STATIC, tasks, method=method) for name, method in methods.items()),
    )


def _path(given: object) -> str:
    r"""A task's folder with both backslashes; none given means the root."""
    words = [word for word in str(given or _ROOT).split("\\") if word]
    return "\\" + "".join(f"{word}\\" for word in words)


def _require(context: Context, task: Task, right: str) -> None:
    if not _may(context.session.identity, task, right):
        raise _denied()


def _require_admin(context: Context) -> None:
    who = context.session.identity
    if not who.admin and not who.system:
        raise _denied()


def _denied() -> ProviderError:
    return hresult_error(DENIED, "Access is denied.")


def _may(who: Identity, task: Task, right: str) -> bool:
    if who.admin or who.system:
        return True
    descriptor = task.definition.registration.get("SecurityDescriptor", "")
    granted = {
        code
        for ace in _ACE.finditer(descriptor)
        if ace["sid"] in {who.sid, "AU", "WD"}
        for code in (ace["rights"][at : at + 2] for at in range(0, len(ace["rights"]), 2))
    }
    # Without a word about them, users may read a task that runs as themselves.
    return bool(granted & {right, "FA"}) or (right == _READ and task.definition.principal.user == who.sid)
