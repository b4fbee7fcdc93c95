"""The ports that Windows gives to outgoing connections of one protocol over IPv4.

Some releases of WSL are refused every one of them (wsl-facts 6, no. 28). Windows keeps the range over boots;
what it gave away of another one, to winnat above all, stays given until the next boot (no. 26).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wslnet.model.change import Action, Change, Op
from wslnet.model.windows_facts import WindowsFacts

if TYPE_CHECKING:
    from wslnet.model.snapshot import MachineFacts

USUAL = 49152, 65535
"""Where they are unless somebody has moved them; programs choose ports below."""

_VERB = "dynamic_ports.set"


@dataclass(frozen=True, slots=True)
class DynamicPorts:
    """The dynamic ports of `proto` are to be those from `first` to `last`.

    `at_boot`: what is wanted of it comes with the next start of Windows only.
    """

    machine: str
    proto: str
    first: int
    last: int
    why: str
    at_boot: bool = False
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
                at_boot=self.at_boot,
            ),
        )
