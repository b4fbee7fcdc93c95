"""A script or unit that a Linux machine runs at its start, inert until its run is confirmed.

The gate is part of the content, not a promise of whoever declares it: without the run's marker on the same
disk it does nothing, so a reboot while the run waits gives the old state with no timer (docs/adr/0015).
"""

from __future__ import annotations

import base64
import posixpath
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from wslnet.errors import PlanRefused
from wslnet.model.change import Action, Change, Op
from wslnet.model.linux_facts import DiskFile, DiskFiles, LinuxFacts

if TYPE_CHECKING:
    from wslnet.model.snapshot import MachineFacts

TAG = b"# wslnet "
"""What every file of ours begins with, behind the line that names its interpreter."""

RUN = "@RUN@"
"""Stands in a content for the id of the run that writes it; the agent puts it in."""

MARKER = f"/var/lib/wslnet/confirmed/{RUN}"
"""Is there when the run is confirmed."""


class Form(StrEnum):
    """What reads the file at the start of the machine."""

    SCRIPT = "script"
    UNIT = "unit"
    DECLARATION = "declaration"
    """JSON: what wslnet shall keep up on the machine; does nothing, whoever reads it looks for the marker."""
    PROGRAM = "program"


_HEAD = f"{TAG.decode()}{RUN}: taken back by `wslnet undo {RUN}`\n"
_GATES = {
    Form.SCRIPT: f"#!/bin/sh\n{_HEAD}[ -e {MARKER} ] || exit 0\n",
    Form.UNIT: f"{_HEAD}[Unit]\nConditionPathExists={MARKER}\n",
    Form.DECLARATION: f'{{"about": "{_HEAD.rstrip()}", "run": "{RUN}",\n',
    Form.PROGRAM: (
        f"#!/usr/bin/python3 -I\n{_HEAD}import os, sys\n\nos.path.exists({MARKER!r}) or sys.exit(0)\n"
    ),
}
_MODES = {Form.SCRIPT: 0o755, Form.UNIT: 0o644, Form.DECLARATION: 0o644, Form.PROGRAM: 0o755}
_OWN_FOLDER = "/etc/wslnet"


@dataclass(frozen=True, slots=True)
class PersistentFile:
    """A file of root's at `path`, or (`present` false) none.

    `body` is what comes behind the gate: of a unit the rest of `[Unit]`, of a declaration that of the object.
    """

    machine: str
    path: str
    form: Form
    body: str
    why: str
    present: bool = True
    rows: tuple[str, ...] = ("S3-18",)
    needs: frozenset[str] = frozenset({"files"})
    volatile: bool = False

    @property
    def name(self) -> str:
        """Its identity: the path."""
        return f"file {self.path}"

    @property
    def content(self) -> bytes:
        """What is written, with RUN in the place of the run's id."""
        return (_GATES[self.form] + self.body).encode()

    def diff(self, facts: MachineFacts) -> tuple[Change, ...]:
        """The file to write or remove; the one of an earlier run, bytes, mode and owner, is its undo.

        Raises:
            PlanRefused: a file is there that wslnet did not make.
        """
        files = facts.files if isinstance(facts, LinuxFacts) else None
        if files is None:
            return ()
        found = next((one for one in files.found if one.path == self.path), None)
        have = None if found is None or found.content is None else base64.b64decode(found.content)
        if found is not None and (have is None or TAG not in have):
            if not self.present:
                return ()
            raise PlanRefused(
                f"{self.machine}: {self.path} is there and was not made by wslnet; move it away",
                machine=self.machine,
            )
        stands = found is not None and have is not None and self._stands_as(found, have)
        if stands if self.present else found is None:
            return ()
        action = Action.ADD if found is None else Action.CHANGE
        change = Change(
            machine=self.machine,
            resource=self.name,
            action=action if self.present else Action.REMOVE,
            before=None if have is None else f"{len(have)} bytes",
            after=f"{self.form}, inert until confirmed" if self.present else "gone",
            why=self.why,
            do=_write(self.path, self.content, _MODES[self.form]) if self.present else self._remove(files),
            undo=self._undo(found, have, files),
            rows=self.rows,
        )
        return (change,)

    def _remove(self, files: DiskFiles) -> Op:
        folder = posixpath.dirname(self.path)
        others = [
            one for one in files.found if one.path != self.path and posixpath.dirname(one.path) == folder
        ]
        gone = [folder] if folder == _OWN_FOLDER and not others else []
        return Op("file.remove", {"path": self.path, "folders": gone})

    def _stands_as(self, found: DiskFile, have: bytes) -> bool:
        declared = self.content.replace(RUN.encode(), (run_of(found) or "").encode())
        return have == declared and (found.mode, found.uid, found.gid) == (_MODES[self.form], 0, 0)

    def _undo(self, found: DiskFile | None, have: bytes | None, files: DiskFiles) -> Op:
        if found is not None and have is not None:
            return _write(self.path, have, found.mode, found.uid, found.gid)
        folder = posixpath.dirname(self.path)
        made = [one for one in files.missing if folder == one or folder.startswith(f"{one}/")]
        return Op("file.remove", {"path": self.path, "folders": made})


def run_of(file: DiskFile) -> str | None:
    """The id of the run that left a file; None for one that wslnet did not make."""
    _, tag, rest = base64.b64decode(file.content or "").partition(TAG)
    return rest.partition(b":")[0].decode(errors="replace") if tag else None


def _write(path: str, content: bytes, mode: int, uid: int = 0, gid: int = 0) -> Op:
    text = base64.b64encode(content).decode()
    return Op("file.write", {"path": path, "content": text, "mode": mode, "uid": uid, "gid": gid})
