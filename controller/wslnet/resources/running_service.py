"""A service that WSL's network rests on: how it starts, and whether it runs (wsl-facts 6, no. 39).

Others' services are never declared: the agent refuses them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wslnet.errors import PlanRefused
from wslnet.model.change import Action, Change, Op, Risk
from wslnet.model.windows_facts import WindowsFacts

if TYPE_CHECKING:
    from wslnet.model.snapshot import MachineFacts

_VERB, _RUNNING, _DISABLED = "service.set", "Running", "Disabled"


@dataclass(frozen=True, slots=True)
class RunningService:
    """The service starts as `start` says when it is disabled now, and runs.

    `restarts`: WSL came up without it and has to start anew to have it.
    """

    machine: str
    service: str
    start: str
    why: str
    restarts: bool = False
    rows: tuple[str, ...] = ("S1-18",)
    needs: frozenset[str] = frozenset({"services"})
    volatile: bool = False

    @property
    def name(self) -> str:
        """Its identity: the service."""
        return f"service {self.service}"

    def diff(self, facts: MachineFacts) -> tuple[Change, ...]:
        """How to let it run; how it was is the undo.

        Raises:
            PlanRefused: this Windows has no such service, or does not say how it starts.
        """
        if not isinstance(facts, WindowsFacts) or facts.services is None:
            return ()
        found = next((one for one in facts.services if one.name.casefold() == self.service.casefold()), None)
        if found is None or found.start is None:
            raise PlanRefused(f"{self.machine}: there is no service {self.service}", machine=self.machine)
        start = self.start if found.start == _DISABLED else found.start
        runs = found.state == _RUNNING
        if runs and start == found.start:
            return ()
        change = Change(
            machine=self.machine,
            resource=self.name,
            action=Action.CHANGE,
            before=f"{found.state}, start {found.start}",
            after=f"{_RUNNING}, start {start}",
            why=self.why,
            do=Op(_VERB, {"name": self.service, "start": start, "running": True}),
            undo=Op(_VERB, {"name": self.service, "start": found.start, "running": runs}),
            risk=Risk.RESTARTS_LAYER if self.restarts else Risk.SAFE,
            rows=self.rows,
        )
        return (change,)
