"""That a Linux machine puts nothing back by itself any more: the file that wslnet-agent goes by is gone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wslnet.model.change import Action, Change, Op
from wslnet.model.linux_facts import LinuxFacts

if TYPE_CHECKING:
    from wslnet.model.snapshot import MachineFacts


@dataclass(frozen=True, slots=True)
class NothingKept:
    """No declaration of what is owned; a damaged one goes too, and comes back empty."""

    machine: str
    why: str
    rows: tuple[str, ...] = ()
    needs: frozenset[str] = frozenset({"owned"})
    volatile: bool = False

    @property
    def name(self) -> str:
        """Its identity; a machine has one such file."""
        return "kept things"

    def diff(self, facts: MachineFacts) -> tuple[Change, ...]:
        """The file to remove."""
        owned = facts.owned if isinstance(facts, LinuxFacts) else None
        if owned is None or not (owned.items or owned.problem):
            return ()
        change = Change(
            machine=self.machine,
            resource=self.name,
            action=Action.REMOVE,
            before=owned.problem or ", ".join(one.name for one in owned.items),
            after=None,
            why=self.why,
            do=Op("owned.remove"),
            undo=Op("owned.write", {"items": [one.to_json() for one in owned.items]}),
            rows=self.rows,
        )
        return (change,)
