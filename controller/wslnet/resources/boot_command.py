"""That WSL starts wslnet-agent where no systemd does: `[boot] command` of /etc/wsl.conf, no other byte."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wslnet.errors import PlanRefused
from wslnet.model.change import Action, Change
from wslnet.model.linux_facts import LinuxFacts
from wslnet.resources.wslconf_key import write_op
from wslnet_win_agent.wslconfig import WSL_CONF, read, set_value, unset_value

if TYPE_CHECKING:
    from wslnet.model.snapshot import MachineFacts

_SECTION, _KEY = "boot", "command"


@dataclass(frozen=True, slots=True)
class BootCommand:
    """The command is this one, or (`present` false) none of wslnet's."""

    machine: str
    command: str
    why: str
    present: bool = True
    rows: tuple[str, ...] = ("S0-28",)
    needs: frozenset[str] = frozenset({"persistence"})
    volatile: bool = False

    @property
    def name(self) -> str:
        """Its identity: file and key."""
        return "wsl.conf boot.command"

    def diff(self, facts: MachineFacts) -> tuple[Change, ...]:
        """The new content of the file, with the old one as its undo.

        Raises:
            PlanRefused: another command stands there already; there can be one only.
        """
        found = facts.persistence if isinstance(facts, LinuxFacts) else None
        if found is None:
            return ()
        old = None if found.wsl_conf is None else base64.b64decode(found.wsl_conf)
        have = read(old or b"", WSL_CONF).value(f"{_SECTION}.{_KEY}")
        # Somebody may have written it behind a command of their own: then it is theirs to take away.
        ours = have is not None and (self.command in have if self.present else self.command == have)
        if ours == self.present or (not self.present and old is None):
            return ()
        if self.present and have:
            raise PlanRefused(
                f"{self.machine}: /etc/wsl.conf has a [boot] command already ({have}), and WSL runs one: "
                f"write `; {self.command} --background` behind it, or switch systemd on there",
                machine=self.machine,
            )
        new = self._edited(old or b"")
        change = Change(
            machine=self.machine,
            resource=self.name,
            action=Action.CHANGE if old is not None else Action.ADD,
            before=have or "none",
            after=self.command if self.present else "none",
            why=self.why,
            do=write_op(new, old),
            undo=write_op(old, new),
            rows=self.rows,
        )
        return (change,)

    def _edited(self, content: bytes) -> bytes:
        if self.present:
            return set_value(content, _SECTION, _KEY, self.command, WSL_CONF)
        return unset_value(content, _SECTION, _KEY, WSL_CONF)
