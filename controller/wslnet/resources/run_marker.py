"""The confirmed marker of an earlier run, when nothing of that run is left on the machine's disk.

A run sets its own marker when it is confirmed (docs/adr/0015); this is for the run that takes away the last
file that an earlier one left.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wslnet.model.change import Action, Change, Op
from wslnet.model.linux_facts import LinuxFacts

if TYPE_CHECKING:
    from wslnet.model.snapshot import MachineFacts


@dataclass(frozen=True, slots=True)
class AbsentMarker:
    """The run `run` is not marked as confirmed any more."""

    machine: str
    run: str
    why: str
    rows: tuple[str, ...] = ("S4-35",)
    needs: frozenset[str] = frozenset({"files"})
    volatile: bool = False

    @property
    def name(self) -> str:
        """Its identity: the run."""
        return f"mark of run {self.run}"

    def diff(self, facts: MachineFacts) -> tuple[Change, ...]:
        """The marker to remove, if it is there."""
        files = facts.files if isinstance(facts, LinuxFacts) else None
        if files is None or self.run not in files.confirmed:
            return ()
        change = Change(
            machine=self.machine,
            resource=self.name,
            action=Action.REMOVE,
            before="confirmed",
            after="gone",
            why=self.why,
            do=Op("marker.remove", {"run": self.run}),
            undo=Op("marker.set", {"run": self.run}),
            rows=self.rows,
        )
        return (change,)
