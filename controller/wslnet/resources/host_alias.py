"""A name by which WSL knows Windows: one line of its /etc/hosts, with the address of now.

The line carries our mark, and no other byte of the file is changed. That WSL does not write the file anew at
its start is `wslconf_key`'s part (`[network] generateHosts`).
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wslnet.model.change import Action, Change, Op
from wslnet.model.linux_facts import LinuxFacts

if TYPE_CHECKING:
    from wslnet.model.snapshot import MachineFacts

_MARK = b"# wslnet: by `wslnet config hosts`"


@dataclass(frozen=True, slots=True)
class HostAlias:
    """These names stand for `address`, by one line of ours; or (no names) there is no such line."""

    machine: str
    names: tuple[str, ...]
    address: str
    why: str
    rows: tuple[str, ...] = ("S1-09",)
    needs: frozenset[str] = frozenset({"persistence"})
    volatile: bool = False

    @property
    def name(self) -> str:
        """Its identity: there is one such line."""
        return "hosts of Windows"

    def diff(self, facts: MachineFacts) -> tuple[Change, ...]:
        """The new content of the file, with the old one as its undo."""
        found = facts.persistence if isinstance(facts, LinuxFacts) else None
        if found is None:
            return ()
        old = None if found.hosts is None else base64.b64decode(found.hosts)
        new = self._edited(old or b"")
        if new == (old or b""):
            return ()
        have = names_in(old or b"")
        change = Change(
            machine=self.machine,
            resource=self.name,
            action=Action.CHANGE if have and self.names else Action.ADD if self.names else Action.REMOVE,
            before=" ".join(have) or None,
            after=" ".join((self.address, *self.names)) if self.names else "gone",
            why=self.why,
            do=_write(new, old),
            undo=_write(old, new),
            rows=self.rows,
        )
        return (change,)

    def _edited(self, content: bytes) -> bytes:
        lines = content.splitlines(keepends=True)
        ours = [index for index, line in enumerate(lines) if _MARK in line]
        place = ours[0] if ours else len(lines)
        kept = [line for index, line in enumerate(lines) if index not in ours]
        if not self.names:
            return b"".join(kept)
        if place and not kept[place - 1].endswith((b"\n", b"\r")):
            kept[place - 1] += b"\n"
        words = " ".join((self.address, *self.names)).encode()
        return b"".join([*kept[:place], words + b"  " + _MARK + b"\n", *kept[place:]])


def names_in(content: bytes) -> tuple[str, ...]:
    """Address and names of our line; empty where there is none."""
    line = next((one for one in content.splitlines() if _MARK in one), b"")
    return tuple(line.partition(b"#")[0].decode(errors="replace").split())


def _write(content: bytes | None, expected: bytes | None) -> Op:
    return Op(
        "hosts.write",
        {
            "content": None if content is None else base64.b64encode(content).decode(),
            "expect_sha256": None if expected is None else hashlib.sha256(expected).hexdigest(),
        },
    )
