"""A kernel setting of a Linux machine (`net.ipv4.ip_forward = 1`), in the running system."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wslnet.model.change import Action, Change, Op
from wslnet.model.linux_facts import LinuxFacts

if TYPE_CHECKING:
    from wslnet.model.snapshot import MachineFacts


@dataclass(frozen=True, slots=True)
class Sysctl:
    """One key and the value it shall have."""

    machine: str
    key: str
    value: str
    why: str
    rows: tuple[str, ...] = ("S0-41",)
    needs: frozenset[str] = frozenset({"sysctls"})
    volatile: bool = True

    @property
    def name(self) -> str:
        """Its identity: the key."""
        return f"sysctl {self.key}"

    def diff(self, facts: MachineFacts) -> tuple[Change, ...]:
        """The value to set, with the value found as its undo; nothing for a key the kernel does not have."""
        found = (facts.sysctls or {}).get(self.key) if isinstance(facts, LinuxFacts) else None
        if found is None or found == self.value:
            return ()
        change = Change(
            machine=self.machine,
            resource=self.name,
            action=Action.CHANGE,
            before=found,
            after=self.value,
            why=self.why,
            do=Op("sysctl.set", {"key": self.key, "value": self.value}),
            undo=Op("sysctl.set", {"key": self.key, "value": found}),
            rows=self.rows,
        )
        return (change,)
