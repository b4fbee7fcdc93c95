"""The largest packet that a card of WSL sends, where what lies behind it takes no larger one.

Windows sends its own value again when it sends anything of the card, so it is put back by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wslnet.model.change import Action, Change, Op
from wslnet.model.linux_facts import LinuxFacts

if TYPE_CHECKING:
    from wslnet.model.snapshot import MachineFacts


@dataclass(frozen=True, slots=True)
class LinkMtu:
    """The link has this MTU, in bytes."""

    machine: str
    link: str
    mtu: int
    why: str
    rows: tuple[str, ...] = ()
    needs: frozenset[str] = frozenset({"links"})
    volatile: bool = True

    @property
    def name(self) -> str:
        """Its identity: the link."""
        return f"mtu {self.link}"

    def diff(self, facts: MachineFacts) -> tuple[Change, ...]:
        """The MTU to set, with the one found as its undo; nothing for a link that is not there."""
        links = (facts.links if isinstance(facts, LinuxFacts) else None) or ()
        found = next((one.mtu for one in links if one.name == self.link), None)
        if not found or found == self.mtu:
            return ()
        change = Change(
            machine=self.machine,
            resource=self.name,
            action=Action.CHANGE,
            before=str(found),
            after=str(self.mtu),
            why=self.why,
            do=self._op(self.mtu),
            undo=self._op(found),
            rows=self.rows,
        )
        return (change,)

    def keep(self, _: MachineFacts) -> Op:
        """The op that sets it."""
        return self._op(self.mtu)

    def _op(self, mtu: int) -> Op:
        return Op("card.set_mtu", {"link": self.link, "mtu": mtu})
