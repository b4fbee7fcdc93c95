"""Links that NetworkManager leaves alone while a net of wslnet's uses them; for others it works on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wslnet.model.change import Action, Change, Op, Risk
from wslnet.model.linux_facts import LinuxFacts

if TYPE_CHECKING:
    from wslnet.model.snapshot import MachineFacts


@dataclass(frozen=True, slots=True)
class UnmanagedLinks:
    """The `links` of a net are not NetworkManager's, or (`present` false) again; nothing where none runs."""

    machine: str
    net: str
    links: tuple[str, ...]
    why: str
    present: bool = True
    rows: tuple[str, ...] = ("S4-22", "S4-23")
    needs: frozenset[str] = frozenset({"bridging"})
    volatile: bool = True

    @property
    def name(self) -> str:
        """Its identity: the net."""
        return f"unmanaged links of {self.net}"

    def diff(self, facts: MachineFacts) -> tuple[Change, ...]:
        """What NetworkManager is to be told."""
        bridging = facts.bridging if isinstance(facts, LinuxFacts) else None
        if bridging is None or bridging.unmanaged is None:
            return ()
        if (self.net in bridging.unmanaged) == self.present:
            return ()
        args: dict[str, object] = {"net": self.net, "devices": self.links}
        leave, back = Op("manager.leave", args), Op("manager.return", args)
        text = f"{', '.join(self.links)} left alone"
        change = Change(
            machine=self.machine,
            resource=self.name,
            action=Action.ADD if self.present else Action.REMOVE,
            before=None if self.present else text,
            after=text if self.present else "managed again",
            why=self.why,
            do=leave if self.present else back,
            undo=back if self.present else leave,
            # It may take the addresses off a link that it lets go, and put its own on one that it gets.
            risk=Risk.CUTS_LINK,
            rows=self.rows,
        )
        return (change,)
