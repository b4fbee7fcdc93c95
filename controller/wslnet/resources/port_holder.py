"""A tiny process in WSL's own network namespace that holds one port, so that Windows steers it to Linux.

In mirrored mode a port belongs to WSL only while such a process has bound it; where its packets then go is
said by rules (wsl-facts 2.2, the supported recipe for what runs in another namespace).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wslnet.errors import PortTaken
from wslnet.model.change import Action, Change, Op
from wslnet.model.linux_facts import LinuxFacts

if TYPE_CHECKING:
    from wslnet.model.snapshot import MachineFacts


@dataclass(frozen=True, slots=True)
class PortHolder:
    """The port is held, or (not `present`) is not."""

    machine: str
    proto: str
    port: int
    why: str
    present: bool = True
    rows: tuple[str, ...] = ("S0-57",)
    needs: frozenset[str] = frozenset({"holders", "listeners"})
    volatile: bool = True

    @property
    def name(self) -> str:
        """Its identity: protocol and port."""
        return f"holder {self.proto}/{self.port}"

    def diff(self, facts: MachineFacts) -> tuple[Change, ...]:
        """The holder to start or to end.

        Raises:
            PortTaken: another program of the machine listens there already, and would lose what arrives.
        """
        held = facts.holders if isinstance(facts, LinuxFacts) else None
        if held is None or not isinstance(facts, LinuxFacts):
            return ()
        is_held = any((one.proto, one.port) == (self.proto, self.port) for one in held)
        if is_held is self.present:
            return ()
        if self.present:
            self._refuse_taken(facts)
        where: dict[str, object] = {"proto": self.proto, "port": self.port}
        start, stop = Op("holder.start", where), Op("holder.stop", where)
        change = Change(
            machine=self.machine,
            resource=self.name,
            action=Action.ADD if self.present else Action.REMOVE,
            before=None if self.present else "held",
            after="held, so that Windows steers it to WSL" if self.present else "free",
            why=self.why,
            do=start if self.present else stop,
            undo=stop if self.present else start,
            rows=self.rows,
        )
        return (change,)

    def keep(self, facts: MachineFacts) -> Op | None:
        """The op that starts it; None where holders are not known, or none is wanted."""
        known = isinstance(facts, LinuxFacts) and facts.holders is not None and self.present
        return Op("holder.start", {"proto": self.proto, "port": self.port}) if known else None

    def _refuse_taken(self, facts: LinuxFacts) -> None:
        for one in facts.listeners or ():
            if (one.proto, one.port) == (self.proto, self.port):
                raise PortTaken(
                    f"{self.machine}: {one.process or 'a program'} listens on {one.address}:{one.port}/"
                    f"{one.proto} already; publish by another port",
                    machine=self.machine,
                )
