"""That a thing on a Linux machine is put back by itself: an item in the file that wslnet-agent goes by.

It stands beside the resource it keeps, in the same plan, so that what is set up later is kept as well. It
says nothing about whether the thing is there now.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wslnet.errors import PlanRefused
from wslnet.model.change import Action, Change, Op
from wslnet.model.linux_facts import LinuxFacts
from wslnet.model.plan import canonical

if TYPE_CHECKING:
    from wslnet.model.snapshot import MachineFacts

KEPT = "kept "
"""How the name of such a resource begins; behind it stands the name of what is kept."""


@dataclass(frozen=True, slots=True)
class KeptThing:
    """The resource `subject` is put back by the op `do`, or (None) not any more.

    `agent_comes`: this plan installs wslnet-agent.
    """

    machine: str
    subject: str
    do: Op | None
    why: str
    rows: tuple[str, ...] = ()
    agent_comes: bool = False
    needs: frozenset[str] = frozenset({"owned"})
    volatile: bool = True
    """Behind the restart, where the subject's own op is found; the file itself outlives it."""

    @property
    def name(self) -> str:
        """Its identity: what is kept."""
        return f"{KEPT}{self.subject}"

    def diff(self, facts: MachineFacts) -> tuple[Change, ...]:
        """The item to declare; nothing where wslnet-agent is not installed.

        Raises:
            PlanRefused: the file is not what wslnet wrote.
        """
        owned = facts.owned if isinstance(facts, LinuxFacts) else None
        if owned is None or not (owned.agent or self.agent_comes):
            return ()
        if owned.problem is not None:
            raise PlanRefused(
                f"{self.machine}: {owned.problem}; `wslnet boot remove` and `boot install` make it anew",
                machine=self.machine,
            )
        found = next((one for one in owned.items if one.name == self.subject), None)
        do = None if self.do is None else self.do.to_json()
        have = None if found is None else found.do
        if canonical(have) == canonical(do):
            return ()
        change = Change(
            machine=self.machine,
            resource=self.name,
            action=Action.ADD if found is None else Action.CHANGE,
            before=None if found is None else f"kept since run {found.run}",
            after="put back after restarts" if do is not None else "not put back any more",
            why=self.why,
            do=Op("owned.put", {"name": self.subject, "do": do}),
            undo=Op("owned.restore", {"name": self.subject, "entry": found and found.to_json()}),
            rows=self.rows,
        )
        return (change,)
