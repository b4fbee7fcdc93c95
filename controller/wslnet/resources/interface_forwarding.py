"""IP forwarding on one Windows interface, by index and family, never by alias.

The flag is lost whenever the adapter is made anew (wsl-facts 4), so it stands behind the barrier. The alias
names the resource, because an adapter that is not there yet has no index.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wslnet.errors import PlanRefused
from wslnet.model.change import Action, Change, Op
from wslnet.model.windows_facts import WindowsFacts

if TYPE_CHECKING:
    from wslnet.model.snapshot import MachineFacts

_WORDS = {True: "Enabled", False: "Disabled"}


@dataclass(frozen=True, slots=True)
class InterfaceForwarding:
    """Forwarding on or off on the interface with this index and family (4 or 6).

    Without an index it is a forecast: the adapter will be there after WSL has started.
    """

    machine: str
    index: int | None
    alias: str
    why: str
    family: int = 4
    enabled: bool = True
    rows: tuple[str, ...] = ("S3-13",)
    needs: frozenset[str] = frozenset({"interfaces"})
    volatile: bool = True

    @property
    def name(self) -> str:
        """Its identity: alias and family."""
        return f"forwarding {self.alias} (IPv{self.family})"

    def diff(self, facts: MachineFacts) -> tuple[Change, ...]:
        """The flag to switch; nothing when it is so already.

        Raises:
            PlanRefused: the interface has gone.
        """
        if self.index is None:
            return (self._change(None, Op("forecast"), None),)
        interfaces = facts.interfaces if isinstance(facts, WindowsFacts) else None
        found = next(
            (one for one in interfaces or () if one.index == self.index and one.family == self.family), None
        )
        if found is None:
            raise PlanRefused(
                f"{self.machine}: {self.alias} (index {self.index}) has gone; run again to see what is there",
                machine=self.machine,
            )
        if found.forwarding is self.enabled:
            return ()
        do, undo = (
            Op("forwarding.set", {"interface_index": self.index, "family": self.family, "enabled": on})
            for on in (self.enabled, not self.enabled)
        )
        return (self._change(_WORDS[found.forwarding], do, undo),)

    def _change(self, before: str | None, do: Op, undo: Op | None) -> Change:
        return Change(
            machine=self.machine,
            resource=self.name,
            action=Action.CHANGE,
            before=before,
            after=_WORDS[self.enabled],
            why=self.why,
            do=do,
            undo=undo,
            rows=self.rows,
        )
