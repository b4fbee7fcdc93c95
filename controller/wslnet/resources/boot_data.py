"""The file that the boot tasks read, in a folder that administrators alone can write."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wslnet.model.change import Action, Change, Op
from wslnet.model.windows_facts import WindowsFacts
from wslnet_win_agent.boot.places import DATA_FILE

if TYPE_CHECKING:
    from wslnet.model.snapshot import MachineFacts
    from wslnet.model.windows_facts import BootPlace


@dataclass(frozen=True, slots=True)
class BootDataFile:
    """The data that is there with this content, or (`content` None) not there; `reader` may read it."""

    machine: str
    content: bytes | None
    reader: str
    why: str
    rows: tuple[str, ...] = ("S3-15", "S3-18")
    needs: frozenset[str] = frozenset({"boot"})
    volatile: bool = False

    @property
    def name(self) -> str:
        """Its identity: the path."""
        return f"file {DATA_FILE}"

    def diff(self, facts: MachineFacts) -> tuple[Change, ...]:
        """The file to write or to remove; also when somebody else could change it as it is."""
        boot = facts.boot if isinstance(facts, WindowsFacts) else None
        found = boot.data if boot is not None else None
        have = None if found is None or found.content is None else base64.b64decode(found.content)
        if self.content is None:
            there = found is not None and (found.exists or have is not None)
            return (self._change(Action.REMOVE, have),) if there else ()
        if have == self.content and not _is_open(found):
            return ()
        return (self._change(Action.ADD if have is None else Action.CHANGE, have),)

    def _change(self, action: Action, have: bytes | None) -> Change:
        return Change(
            machine=self.machine,
            resource=self.name,
            action=action,
            before=None if have is None else f"{len(have)} bytes",
            after="removed"
            if self.content is None
            else f"{len(self.content)} bytes, for administrators to write",
            why=self.why,
            do=self._op(self.content),
            undo=self._op(have),
            rows=self.rows,
        )

    def _op(self, content: bytes | None) -> Op:
        if content is None:
            return Op("boot_data.remove")
        return Op("boot_data.write", {"content": base64.b64encode(content).decode(), "reader": self.reader})


def _is_open(found: BootPlace | None) -> bool:
    return found is not None and bool(found.strangers)
