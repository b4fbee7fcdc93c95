"""The ports that Windows gives to outgoing connections of one protocol over IPv4.

Some releases of WSL are refused every one of them (wsl-facts 6, no. 28). Windows keeps the range over boots.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wslnet.model.change import Action, Change, Op
from wslnet.model.windows_facts import WindowsFacts

if TYPE_CHECKING:
    from wslnet.model.snapshot import MachineFacts

_VERB = "dynamic_ports.set"


@dataclass(frozen=True, slots=True)
class DynamicPorts:
    """The dynamic ports of `proto` are to be those from `first` to `last`."""

    machine: str
    proto: str
    first: int
    last: int
    why: str
    rows: tuple[str, ...] = ("S1-14",)
    needs: frozenset[str] = frozenset({"port_ranges"})
    volatile: bool = False

    @property
    def name(self) -> str:
        """Its identity: the protocol."""
        return f"dynamic {self.proto} ports"

    def diff(self, facts: MachineFacts) -> tuple[Change, ...]:
        """The range to set; that of now is the undo. One that Windows did not tell is left alone."""
        ranges = facts.port_ranges if isinstance(facts, WindowsFacts) else None
        found = next((one.dynamic for one in ranges or () if one.proto == self.proto), None)
        if found is None or found == (self.first, self.last):
            return ()
        do, undo = (
            Op(_VERB, {"proto": self.proto, "first": first, "last": last})
            for first, last in ((self.first, self.last), found)
        )
        return (
            Change(
                machine=self.machine,
                resource=self.name,
                action=Action.CHANGE,
                before="-".join(map(str, found)),
                after=f"{self.first}-{self.last}",
                why=self.why,
                do=do,
                undo=undo,
                rows=self.rows,
            ),
        )
