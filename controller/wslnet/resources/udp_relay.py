"""A UDP port of Windows that is carried on to WSL, by a process of ours in a scheduled task of its own.

What it carries stands in the task; that it runs and is heard is part of what is declared.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wslnet.errors import PlanRefused
from wslnet.model.change import FORECAST_VERB, Action, Change, Op
from wslnet.model.windows_facts import WindowsFacts
from wslnet.resources.scheduled_task import stands_as
from wslnet_win_agent.boot.relay_task import relay_name, relay_task
from wslnet_win_agent.boot.task_xml import version_of, write_task

if TYPE_CHECKING:
    from wslnet.model.snapshot import MachineFacts
    from wslnet.model.windows_facts import Boot, BootTask

_PUT, _REMOVE = "relay.put", "relay.remove"
_RUNNING = "Running"


@dataclass(frozen=True, slots=True)
class UdpRelay:
    """UDP `port` of these addresses of Windows leads to a port of `address`; or (not `present`) to nobody.

    Without `address` it is a forecast: WSL has its address after it has started.
    """

    machine: str
    port: int
    listens: tuple[str, ...]
    address: str | None
    target_port: int
    why: str
    present: bool = True
    rows: tuple[str, ...] = ("S1-12", "S1-22")
    needs: frozenset[str] = frozenset({"boot", "listeners"})
    volatile: bool = True

    @property
    def name(self) -> str:
        """Its identity: the port."""
        return f"relay udp/{self.port}"

    def diff(self, facts: MachineFacts) -> tuple[Change, ...]:
        """The task to put there or to remove; the one there is its undo.

        Raises:
            PlanRefused: a task of that name is somebody else's, or there is no program to run.
        """
        boot = facts.boot if isinstance(facts, WindowsFacts) else None
        if boot is None or not isinstance(facts, WindowsFacts):
            return ()
        found = next((one for one in boot.tasks if one.name == relay_name(self.port)), None)
        if found is not None and version_of(found.xml) is None:
            raise PlanRefused(
                f"{self.machine}: task {found.name} was not made by wslnet", machine=self.machine
            )
        if not self.present:
            gone = () if found is None else (found,)
            return tuple(self._change(Action.REMOVE, self._remove(), _put(one), one) for one in gone)
        if self.address is None:
            return (self._change(Action.CHANGE if found else Action.ADD, Op(FORECAST_VERB), None, found),)
        _demand_program(self.machine, boot)
        task = relay_task(self.port, self.listens, self.address, self.target_port)
        if found is not None and stands_as(task, found, boot) and self._runs(found, facts):
            return ()
        back = self._remove() if found is None else _put(found)
        do = Op(_PUT, {"name": task.name, "xml": write_task(task)})
        return (self._change(Action.CHANGE if found else Action.ADD, do, back, found),)

    def _runs(self, found: BootTask, facts: WindowsFacts) -> bool:
        heard = {one.address for one in facts.listeners or () if (one.proto, one.port) == ("udp", self.port)}
        return found.state == _RUNNING and (facts.listeners is None or bool(heard.intersection(self.listens)))

    def _change(self, action: Action, do: Op, undo: Op | None, found: BootTask | None) -> Change:
        to = f"{self.address or 'the address of WSL then'}:{self.target_port}"
        return Change(
            machine=self.machine,
            resource=self.name,
            action=action,
            before=None if found is None else f"task {found.name}, {found.state}",
            after=f"{', '.join(self.listens)} -> {to}" if self.present else "gone",
            why=self.why,
            do=do,
            undo=undo,
            rows=self.rows,
        )

    def _remove(self) -> Op:
        return Op(_REMOVE, {"name": relay_name(self.port)})


def _put(found: BootTask) -> Op:
    return Op(_PUT, {"name": found.name, "xml": found.xml})


def _demand_program(machine: str, boot: Boot) -> None:
    program = boot.program
    if not program.exists:
        raise PlanRefused(
            f"{machine}: UDP is carried by wslnet itself in NAT mode, and {program.path} is not there",
            machine=machine,
            hint="install wslnet for the machine: installer\\install.ps1, elevated",
        )
    if program.strangers:
        others = "; ".join(program.strangers)
        raise PlanRefused(
            f"{machine}: others than administrators could change {program.path}: {others}", machine=machine
        )
