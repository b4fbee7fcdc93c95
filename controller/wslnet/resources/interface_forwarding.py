"""IP forwarding on one Windows interface, by index and family, never by alias.

The flag is lost whenever the adapter is made anew (wsl-facts 4), so it stands behind the barrier.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wslnet.model.change import Action, Change, Op
from wslnet.model.windows_facts import WindowsFacts

if TYPE_CHECKING:
    from wslnet.model.snapshot import MachineFacts


@dataclass(frozen=True, slots=True)
class InterfaceForwarding:
    """Forwarding enabled on the interface with this index and family (4 or 6)."""

    machine: str
    index: int
    alias: str
    why: str
    family: int = 4
    rows: tuple[str, ...] = ("S3-13",)
    needs: frozenset[str] = frozenset({"interfaces"})
    volatile: bool = True

    @property
    def name(self) -> str:
        """Its identity: index and family; the alias only helps the reader."""
        return f"forwarding {self.alias} ({self.index}/IPv{self.family})"

    def diff(self, facts: MachineFacts) -> tuple[Change, ...]:
        """The flag to switch on; nothing when it is on or the interface is not there."""
        interfaces = facts.interfaces if isinstance(facts, WindowsFacts) else None
        found = next(
            (one for one in interfaces or () if one.index == self.index and one.family == self.family), None
        )
        if found is None or found.forwarding:
            return ()
        args = {"interface_index": self.index, "family": self.family}
        change = Change(
            machine=self.machine,
            resource=self.name,
            action=Action.CHANGE,
            before="Disabled",
            after="Enabled",
            why=self.why,
            do=Op("forwarding.set", {**args, "enabled": True}),
            undo=Op("forwarding.set", {**args, "enabled": False}),
            rows=self.rows,
        )
        return (change,)
