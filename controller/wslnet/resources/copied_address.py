"""An address of a Windows adapter on the mirrored card of WSL that has lost it.

It is for this start of WSL only: at the next one Windows gives addresses anew, and others perhaps.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wslnet.model.change import Action, Change, Op
from wslnet.model.linux_facts import LinuxFacts

if TYPE_CHECKING:
    from wslnet.model.snapshot import MachineFacts


@dataclass(frozen=True, slots=True)
class CopiedAddress:
    """The link has the address, where no link has it."""

    machine: str
    link: str
    address: str
    prefix: int
    why: str
    rows: tuple[str, ...] = ("S0-13",)
    needs: frozenset[str] = frozenset({"links", "addresses", "identity"})
    volatile: bool = True

    @property
    def name(self) -> str:
        """Its identity: the address."""
        return f"address {self.address}/{self.prefix}"

    def diff(self, facts: MachineFacts) -> tuple[Change, ...]:
        """The address to add; nothing where it is, or where the link or the machine's start is not known."""
        if not isinstance(facts, LinuxFacts) or facts.identity is None:
            return ()
        known = any(one.name == self.link for one in facts.links or ())
        if not known or any(one.address == self.address for one in facts.addresses or ()):
            return ()
        change = Change(
            machine=self.machine,
            resource=self.name,
            action=Action.ADD,
            before=None,
            after=f"{self.address}/{self.prefix} on {self.link}",
            why=self.why,
            do=self._op("card.add_address", facts.identity.boot_id),
            undo=self._op("card.delete_address", facts.identity.boot_id),
            rows=self.rows,
        )
        return (change,)

    def keep(self, facts: MachineFacts) -> Op | None:
        """The op that adds it, for this start of the machine."""
        identity = facts.identity if isinstance(facts, LinuxFacts) else None
        return None if identity is None else self._op("card.add_address", identity.boot_id)

    def _op(self, verb: str, boot: str) -> Op:
        return Op(verb, {"link": self.link, "address": self.address, "prefix": self.prefix, "boot": boot})
