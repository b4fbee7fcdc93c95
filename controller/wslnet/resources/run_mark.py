"""That nothing on a Linux machine's disk takes effect by a run any more: the run's mark is gone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wslnet.model.change import Action, Change, Op
from wslnet.model.linux_facts import LinuxFacts

if TYPE_CHECKING:
    from wslnet.model.snapshot import MachineFacts


@dataclass(frozen=True, slots=True)
class RunMarkGone:
    """The run is not marked as confirmed; it is the first thing to go, the files it lets work come after."""

    machine: str
    run: str
    why: str
    rows: tuple[str, ...] = ()
    needs: frozenset[str] = frozenset({"files"})
    volatile: bool = False

    @property
    def name(self) -> str:
        """Its identity: the run."""
        return f"mark of run {self.run}"

    def diff(self, facts: MachineFacts) -> tuple[Change, ...]:
        """The mark to remove."""
        files = facts.files if isinstance(facts, LinuxFacts) else None
        if files is None or self.run not in files.confirmed:
            return ()
        change = Change(
            machine=self.machine,
            resource=self.name,
            action=Action.REMOVE,
            before="confirmed",
            after=None,
            why=self.why,
            do=Op("marker.remove", {"run": self.run}),
            undo=Op("marker.set", {"run": self.run}),
            rows=self.rows,
        )
        return (change,)
