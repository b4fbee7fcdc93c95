"""The range that WSL takes for its NAT network when Windows makes it: two values of the registry.

Windows makes the network at WSL's first start after a boot (wsl-facts 2.4), so a pinned range shows after the
next boot only; what is declared, and read back, is what is remembered.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wslnet.model.change import Action, Change, Op
from wslnet.model.windows_facts import WindowsFacts

if TYPE_CHECKING:
    from wslnet.model.snapshot import MachineFacts

_VERB = "nat_range.set"


@dataclass(frozen=True, slots=True)
class NatRange:
    """WSL's NAT network is to be `network`, with Windows at `gateway`."""

    machine: str
    network: str
    gateway: str
    why: str
    rows: tuple[str, ...] = ("S1-28",)
    needs: frozenset[str] = frozenset({"wsl_nat"})
    volatile: bool = False

    @property
    def name(self) -> str:
        """Its identity: there is one."""
        return "NAT network of WSL"

    def diff(self, facts: MachineFacts) -> tuple[Change, ...]:
        """The values to write; those there are the undo, absent ones included."""
        found = facts.wsl_nat if isinstance(facts, WindowsFacts) else None
        if found is None or (found.network, found.gateway) == (self.network, self.gateway):
            return ()
        do, undo = (
            Op(_VERB, {"network": network, "gateway": gateway})
            for network, gateway in ((self.network, self.gateway), (found.network, found.gateway))
        )
        return (
            Change(
                machine=self.machine,
                resource=self.name,
                action=Action.ADD if found.network is None else Action.CHANGE,
                before=found.network,
                after=f"{self.network}, Windows at {self.gateway}, from the next start of Windows on",
                why=self.why,
                do=do,
                undo=undo,
                rows=self.rows,
                at_boot=True,
            ),
        )
