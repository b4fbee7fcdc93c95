"""A scheduled task of wslnet's own, declared by what it does; compared by meaning, not by its XML's text."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from wslnet.errors import PlanRefused
from wslnet.model.change import Action, Change, Op
from wslnet.model.windows_facts import WindowsFacts
from wslnet_win_agent.boot.task import FOLDER
from wslnet_win_agent.boot.task_xml import read_task, version_of, write_task
from wslnet_win_agent.errors import WindowsAgentError

if TYPE_CHECKING:
    from wslnet.model.snapshot import MachineFacts
    from wslnet.model.windows_facts import Boot, BootTask
    from wslnet_win_agent.boot.task import Task


@dataclass(frozen=True, slots=True)
class ScheduledTask:
    """A task that is there as declared, or (`present` false) not there."""

    machine: str
    task: Task
    why: str
    present: bool = True
    rows: tuple[str, ...] = ("S3-15", "S3-17")
    needs: frozenset[str] = frozenset({"boot"})
    volatile: bool = False

    @property
    def name(self) -> str:
        """Its identity: the task's path."""
        return f"task {FOLDER}{self.task.name}"

    def diff(self, facts: MachineFacts) -> tuple[Change, ...]:
        """The task to register, to replace or to remove.

        Raises:
            PlanRefused: one of that name is there and is somebody else's.
        """
        boot = facts.boot if isinstance(facts, WindowsFacts) else None
        found = next((one for one in boot.tasks if one.name == self.task.name), None) if boot else None
        if found is not None and version_of(found.xml) is None:
            raise PlanRefused(f"{self.machine}: {self.name} was not made by wslnet", machine=self.machine)
        if not self.present:
            return () if found is None else (self._change(Action.REMOVE, found),)
        if found is None:
            return (self._change(Action.ADD, None),)
        same = boot is not None and stands_as(self.task, found, boot)
        return () if same else (self._change(Action.CHANGE, found),)

    def _change(self, action: Action, found: BootTask | None) -> Change:
        name = self.task.name
        unregister = Op("task.unregister", {"name": name})
        register = Op("task.register", {"name": name, "xml": write_task(self.task)})
        back = unregister if found is None else Op("task.register", {"name": name, "xml": found.xml})
        return Change(
            machine=self.machine,
            resource=self.name,
            action=action,
            before=None if found is None else f"{found.state}",
            after=f"{self.task.command} {self.task.arguments}" if self.present else "removed",
            why=self.why,
            do=register if self.present else unregister,
            undo=back,
            rows=self.rows,
        )


def stands_as(task: Task, found: BootTask, boot: Boot) -> bool:
    """Whether Windows has the task as declared: its own digest, and what it does."""
    sids = {boot.user.casefold(): boot.sid}
    try:
        read = read_task(task.name, found.xml, sids)
        if "\\" in task.user:
            # Windows may show the SID of an account that was given by name; whose it is stands in the digest.
            read = replace(read, user=task.user)
        return version_of(found.xml) == task.version and read.same_as(task)
    except WindowsAgentError:
        return False
