"""One key of a distribution's `/etc/wsl.conf`, edited so that no other byte changes.

WSL reads the file when the distribution starts. That wslnet-agent is started by it is `boot_command`'s.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wslnet.errors import PlanRefused
from wslnet.model.change import Action, Change, Op
from wslnet.model.linux_facts import LinuxFacts
from wslnet_win_agent.wslconfig import WSL_CONF, WslConfigError, read, set_value, unset_value

if TYPE_CHECKING:
    from wslnet.model.snapshot import MachineFacts


@dataclass(frozen=True, slots=True)
class WslConfKey:
    """The key (`section.key` in WSL's spelling) has this value; None: it is not set."""

    machine: str
    key: str
    value: str | None
    why: str
    rows: tuple[str, ...] = ("S3-36", "S3-38")
    needs: frozenset[str] = frozenset({"persistence"})
    volatile: bool = False

    @property
    def name(self) -> str:
        """Its identity: file and key."""
        return f"wsl.conf {self.key}"

    def diff(self, facts: MachineFacts) -> tuple[Change, ...]:
        """The new content of the file, with the old one as its undo.

        Raises:
            PlanRefused: the file cannot be edited without changing what another line means.
        """
        found = facts.persistence if isinstance(facts, LinuxFacts) else None
        if found is None:
            return ()
        old = None if found.wsl_conf is None else base64.b64decode(found.wsl_conf)
        new = self._edited(old or b"")
        if new == (old or b""):
            return ()
        have = read(old or b"", WSL_CONF).value(self.key)
        change = Change(
            machine=self.machine,
            resource=self.name,
            action=Action.ADD if old is None else Action.CHANGE,
            before="(unset)" if have is None else have,
            after="(unset)" if self.value is None else self.value,
            why=self.why,
            do=write_op(new, old),
            undo=write_op(old, new),
            rows=self.rows,
        )
        return (change,)

    def _edited(self, content: bytes) -> bytes:
        section, _, key = self.key.partition(".")
        try:
            if self.value is None:
                return unset_value(content, section, key, WSL_CONF)
            return set_value(content, section, key, self.value, WSL_CONF)
        except WslConfigError as error:
            raise PlanRefused(
                f"{self.machine}: /etc/wsl.conf: {self.key}: {error}; nothing was changed",
                machine=self.machine,
            ) from error


def write_op(content: bytes | None, expected: bytes | None) -> Op:
    """What writes /etc/wsl.conf whole, if it is still as `expected`; None is no file."""
    return Op(
        "boot_command.set",
        {
            "content": None if content is None else base64.b64encode(content).decode(),
            "expect_sha256": None if expected is None else hashlib.sha256(expected).hexdigest(),
        },
    )
