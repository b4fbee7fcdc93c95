"""A start-up script of Windows' local Group Policy, beside whatever others are there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wslnet.model.change import Action, Change, Op
from wslnet.model.windows_facts import WindowsFacts
from wslnet_win_agent.boot.startup_script import StartupScript

if TYPE_CHECKING:
    from wslnet.model.snapshot import MachineFacts


@dataclass(frozen=True, slots=True)
class PolicyStartupScript:
    """A program that Windows runs as SYSTEM when it starts, or (`present` false) does not."""

    machine: str
    command: str
    parameters: str
    why: str
    present: bool = True
    rows: tuple[str, ...] = ("S3-16",)
    needs: frozenset[str] = frozenset({"boot"})
    volatile: bool = False

    @property
    def name(self) -> str:
        """Its identity: the line that runs."""
        return f"start-up script {self.command} {self.parameters}"

    def diff(self, facts: MachineFacts) -> tuple[Change, ...]:
        """The script to put in or to take out; where it stands among others does not matter."""
        boot = facts.boot if isinstance(facts, WindowsFacts) else None
        there = boot is not None and StartupScript(self.command, self.parameters) in boot.startup
        if there == self.present:
            return ()
        args = {"command": self.command, "parameters": self.parameters}
        put, remove = Op("startup_script.put", args), Op("startup_script.remove", args)
        change = Change(
            machine=self.machine,
            resource=self.name,
            action=Action.ADD if self.present else Action.REMOVE,
            before="runs at every start" if there else None,
            after="runs at every start, by the local Group Policy" if self.present else "removed",
            why=self.why,
            do=put if self.present else remove,
            undo=remove if self.present else put,
            rows=self.rows,
        )
        return (change,)
