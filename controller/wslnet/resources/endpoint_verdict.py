"""What is kept of the probe of the endpoint on its own machine: a file that is there or not."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wslnet.model.change import Action, Change, Op
from wslnet.model.windows_facts import WindowsFacts
from wslnet_win_agent.endpoint.offer import CONFIGURATION

if TYPE_CHECKING:
    from wslnet.model.snapshot import MachineFacts


@dataclass(frozen=True, slots=True)
class EndpointVerdict:
    """The file with this content, or (None) no file: then the endpoint is for controllers elsewhere."""

    machine: str
    content: bytes | None
    why: str
    rows: tuple[str, ...] = ()
    needs: frozenset[str] = frozenset({"endpoint"})
    volatile: bool = False

    @property
    def name(self) -> str:
        """Its identity: the configuration's name, and where it is used."""
        return f"endpoint {CONFIGURATION} on its own machine"

    def diff(self, facts: MachineFacts) -> tuple[Change, ...]:
        """What to write or to remove."""
        found = facts.endpoint if isinstance(facts, WindowsFacts) else None
        held = found.local.content if found is not None and found.local is not None else None
        wanted = None if self.content is None else base64.b64encode(self.content).decode()
        if held == wanted:
            return ()
        added = Action.ADD if held is None else Action.CHANGE
        return (
            Change(
                machine=self.machine,
                resource=self.name,
                action=Action.REMOVE if wanted is None else added,
                before=None if held is None else "a probe's verdict",
                after="blocked" if wanted is None else "open: a probe has passed",
                why=self.why,
                do=Op("endpoint.verdict", {"content": wanted}),
                undo=Op("endpoint.verdict", {"content": held}),
                rows=self.rows,
            ),
        )
