"""A file of /etc that is not ours, as it shall be: the whole content, or a link that leads to it.

Who declares it has made the content from the one that was read, so that nothing else in it changes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wslnet.model.change import Action, Change, Op
from wslnet.model.linux_facts import LinuxFacts, SettingState

if TYPE_CHECKING:
    from wslnet.model.snapshot import MachineFacts


@dataclass(frozen=True, slots=True)
class SettingFile:
    """One of `ops_setting.PATHS` in a state; `words` say the difference to a person."""

    machine: str
    path: str
    state: SettingState
    words: str
    why: str
    rows: tuple[str, ...] = ()
    needs: frozenset[str] = frozenset({"settings"})
    volatile: bool = False

    @property
    def name(self) -> str:
        """Its identity: the file."""
        return f"file {self.path}"

    def diff(self, facts: MachineFacts) -> tuple[Change, ...]:
        """What puts it there, with what was found as its undo; nothing where the file was not read."""
        settings = facts.settings if isinstance(facts, LinuxFacts) else None
        if settings is None or self.path not in settings.files:
            return ()
        found = settings.files[self.path]
        if found == self.state:
            return ()
        before, after = None if found is None else found.to_json(), self.state.to_json()
        change = Change(
            machine=self.machine,
            resource=self.name,
            action=Action.ADD if found is None else Action.CHANGE,
            before=None if found is None else f"leads to {found.link}" if found.link else "as it was read",
            after=self.words,
            why=self.why,
            do=Op("setting.put", {"path": self.path, "to": after, "expect": before}),
            undo=Op("setting.put", {"path": self.path, "to": before, "expect": after}),
            rows=self.rows,
        )
        return (change,)
