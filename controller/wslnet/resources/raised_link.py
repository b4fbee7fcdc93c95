"""A mirrored card of WSL that is up, because the adapter that it stands for is up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wslnet.model.change import Action, Change, Op
from wslnet.model.linux_facts import LinuxFacts

if TYPE_CHECKING:
    from wslnet.model.snapshot import MachineFacts


@dataclass(frozen=True, slots=True)
class RaisedLink:
    """The link is up. What is down for a reason of Windows' comes down again, so it is put back by itself."""

    machine: str
    link: str
    why: str
    rows: tuple[str, ...] = ("S0-13",)
    needs: frozenset[str] = frozenset({"links"})
    volatile: bool = True

    @property
    def name(self) -> str:
        """Its identity: the link."""
        return f"link {self.link}"

    def diff(self, facts: MachineFacts) -> tuple[Change, ...]:
        """To take it up; nothing for one that is up, or not there."""
        links = (facts.links if isinstance(facts, LinuxFacts) else None) or ()
        if not any(one.name == self.link and not one.up for one in links):
            return ()
        change = Change(
            machine=self.machine,
            resource=self.name,
            action=Action.CHANGE,
            before="down",
            after="up",
            why=self.why,
            do=self._op("card.up"),
            undo=self._op("card.down"),
            rows=self.rows,
        )
        return (change,)

    def keep(self, _: MachineFacts) -> Op:
        """The op that takes it up."""
        return self._op("card.up")

    def _op(self, verb: str) -> Op:
        return Op(verb, {"link": self.link})
