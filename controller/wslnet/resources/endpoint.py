"""The constrained endpoint: its files and its registration, as one thing that is there or not."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wslnet.model.change import Action, Change, Op
from wslnet.model.windows_facts import WindowsFacts
from wslnet_win_agent.endpoint.offer import CONFIGURATION

if TYPE_CHECKING:
    from wslnet.model.snapshot import MachineFacts
    from wslnet.model.windows_facts import Endpoint

Files = tuple[tuple[str, bytes], ...]


@dataclass(frozen=True, slots=True)
class ConstrainedEndpoint:
    """The endpoint with these files (path below its module's folder, content), or (None) not there."""

    machine: str
    files: Files | None
    why: str
    rows: tuple[str, ...] = ()
    needs: frozenset[str] = frozenset({"endpoint"})
    volatile: bool = False

    @property
    def name(self) -> str:
        """Its identity: the configuration's name."""
        return f"endpoint {CONFIGURATION}"

    def diff(self, facts: MachineFacts) -> tuple[Change, ...]:
        """What to install, to replace or to remove."""
        found = facts.endpoint if isinstance(facts, WindowsFacts) else None
        have = files_of(found)
        there = have is not None or (found is not None and found.registered)
        if self.files is None:
            return (self._change(Action.REMOVE, have),) if there else ()
        whole = found is not None and found.registered and not found.strangers
        if whole and have is not None and dict(have) == dict(self.files):
            return ()
        return (self._change(Action.CHANGE if there else Action.ADD, have),)

    def _change(self, action: Action, have: Files | None) -> Change:
        return Change(
            machine=self.machine,
            resource=self.name,
            action=action,
            before=None if have is None else f"{len(have)} files",
            after="removed" if self.files is None else f"{len(self.files)} files, registered",
            why=self.why,
            do=_op(self.files),
            undo=_op(have),
            rows=self.rows,
        )


def files_of(found: Endpoint | None) -> Files | None:
    """The endpoint's files as they lie there; None when there are none."""
    if found is None or not found.files:
        return None
    return tuple((each.path, base64.b64decode(each.content)) for each in found.files)


def _op(files: Files | None) -> Op:
    if files is None:
        return Op("endpoint.remove")
    rows = [{"path": path, "content": base64.b64encode(content).decode()} for path, content in files]
    return Op("endpoint.install", {"files": rows})
