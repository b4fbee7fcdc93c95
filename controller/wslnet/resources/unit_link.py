"""That systemd starts wslnet-agent: the link that enables its unit. The unit itself is a `PersistentFile`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wslnet.model.change import Action, Change, Op
from wslnet.model.linux_facts import LinuxFacts

if TYPE_CHECKING:
    from wslnet.model.snapshot import MachineFacts


@dataclass(frozen=True, slots=True)
class UnitLink:
    """The unit is enabled, or (`present` false) it is not."""

    machine: str
    why: str
    present: bool = True
    rows: tuple[str, ...] = ("S0-28",)
    needs: frozenset[str] = frozenset({"persistence"})
    volatile: bool = False

    @property
    def name(self) -> str:
        """Its identity: the unit."""
        return "enabled wslnet-agent.service"

    def diff(self, facts: MachineFacts) -> tuple[Change, ...]:
        """The link to make or to remove."""
        found = facts.persistence if isinstance(facts, LinuxFacts) else None
        if found is None or found.enabled.unit == self.present:
            return ()
        make = Op("link.make")
        remove = Op("link.remove", {"made": self.present and not found.enabled.folder})
        change = Change(
            machine=self.machine,
            resource=self.name,
            action=Action.ADD if self.present else Action.REMOVE,
            before="not enabled" if self.present else "enabled",
            after="started with the machine" if self.present else None,
            why=self.why,
            do=make if self.present else remove,
            undo=remove if self.present else make,
            rows=self.rows,
        )
        return (change,)
