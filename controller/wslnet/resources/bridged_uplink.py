"""A card as a port of a bridge that has taken over its addresses and routes, in one step.

For a moment the machine may be reached by nobody, so it cuts links: it is done alone, under a guard. What
is moved is what the kernel has then, not what was read before, so the way back is the same op turned round.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wslnet.model.change import Action, Change, Op, Risk
from wslnet.model.linux_facts import LinuxFacts

if TYPE_CHECKING:
    from wslnet.model.snapshot import MachineFacts


@dataclass(frozen=True, slots=True)
class BridgedUplink:
    """The card `link` is a port of `bridge`, or (`present` false) has its own back.

    `client`: the DHCP client to start on the bridge where none serves the card. `keep`: addresses that are
    the bridge's own and stay on it, with the routes of their networks.
    """

    machine: str
    link: str
    bridge: str
    why: str
    client: str | None = None
    present: bool = True
    rows: tuple[str, ...] = ("S4-15", "S4-16", "S4-20")
    needs: frozenset[str] = frozenset({"links", "addresses", "routes"})
    volatile: bool = True
    keep: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Its identity: the card."""
        return f"uplink {self.link}"

    def diff(self, facts: MachineFacts) -> tuple[Change, ...]:
        """The move there or back; nothing when the card is (or is not) a port of the bridge already."""
        if not isinstance(facts, LinuxFacts):
            return ()
        found = next((one for one in facts.links or () if one.name == self.link), None)
        if found is None or (found.master == self.bridge) == self.present:
            return ()
        there = Op(
            "uplink.move",
            {"source": self.link, "target": self.bridge, "port": self.link, "client": self.client},
        )
        release = True if self.client is not None else None
        kept: dict[str, object] = {"keep": list(self.keep)} if self.keep else {}
        back = Op(
            "uplink.move",
            {"source": self.bridge, "target": self.link, "port": None, "release": release, **kept},
        )
        holder = self.link if self.present else self.bridge
        own = (one for one in facts.addresses_of(holder) if one.scope != "link")
        texts = (f"{one.address}/{one.prefix}" for one in own)
        have = ", ".join(text for text in texts if text not in self.keep)
        change = Change(
            machine=self.machine,
            resource=self.name,
            action=Action.CHANGE,
            before=f"{have or 'no address'} on {holder}",
            after=f"{have or 'no address'} on {self.bridge if self.present else self.link}",
            why=self.why,
            do=there if self.present else back,
            undo=back if self.present else there,
            risk=Risk.CUTS_LINK,
            rows=self.rows,
        )
        return (change,)
