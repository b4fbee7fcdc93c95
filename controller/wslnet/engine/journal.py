"""The journal of one run: append-only, fsynced JSON lines on the controller's side.

A record stands on disk before the change it speaks of, with the op that undoes it; `wsl --shutdown` cannot
take it away, and a later process can read what was done and what was not (`wslnet.engine.run_log`). What the
disk refuses stops a run that goes on (`write`) and never one that goes back (`note`), docs/adr/0015.
"""

from __future__ import annotations

import errno
import json
import os
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime
from io import FileIO
from typing import TYPE_CHECKING, Self

from wslnet.errors import JournalFailed
from wslnet.model.change import change_to_json
from wslnet.whole_file import make_folder, sync_folder

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from types import TracebackType

    from wslnet.engine.restart import RunningVm
    from wslnet.model.change import Change
    from wslnet.model.plan import Plan
    from wslnet.model.regression import Baseline

FOLDER = "journal"
"""Where in the state folder journals lie, one file a run."""

RESERVE = ".reserve"
"""End of the name of the file that keeps room beside a journal for the records of taking back."""

_RESERVED = bytes(65536)


class Journal:
    """One open journal file. Each `write` returns only when the record is on disk.

    `unrecorded` names what `note` could not record: a later `resume` will not know of it.
    """

    def __init__(self, folder: Path, run: str, *, again: bool = False) -> None:
        """Opens `folder/RUN.jsonl`, anew, or `again` to go on with a run that is there.

        Raises:
            JournalFailed: the folder or file cannot be written; nothing has been changed yet.
        """
        self.run = run
        self.path = folder / f"{run}.jsonl"
        self.unrecorded: list[str] = []
        self._reserve = self.path.with_suffix(RESERVE)
        # A record that was cut in the middle must not swallow the next one.
        self._torn = again
        try:
            make_folder(folder)
            self._keep_room(needed=not again)
            self._file = FileIO(self.path, "ab", opener=None if again else _only_new)
        except OSError as error:
            self._give_room()
            raise self._failed(error) from error
        try:
            sync_folder(folder)
        except OSError as error:
            self._close()
            raise self._failed(error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def open_run(
        self,
        plan: Plan,
        vms: Iterable[RunningVm],
        *,
        to_confirm: bool = False,
        baseline: Baseline | None = None,
    ) -> None:
        """The first record: the whole plan, the VMs that run now, whether only the user may confirm it.

        `baseline`: what works now and must work after the run, whoever ends it.
        """
        running = [asdict(vm) for vm in vms]
        before = None if baseline is None else baseline.to_json()
        self.write("open", plan=plan.to_json(), vms=running, to_confirm=to_confirm, baseline=before)

    def intent(self, change: Change) -> None:
        """Before a change: what will be done and how to take it back."""
        self.write("intent", change=change_to_json(change))

    def done(self, change: Change) -> None:
        """The agent said it is done; it is not yet read back."""
        self.write("done", id=change.id)

    def not_done(self, change: Change) -> None:
        """The agent said that it did not begin with it."""
        self.write("not-done", id=change.id)

    def verified(self, change: Change) -> None:
        """It was read back and is as declared."""
        self.write("verified", id=change.id)

    def undoing(self, change: Change) -> None:
        """It is about to be taken back."""
        self.note("undoing", id=change.id)

    def undone(self, change: Change) -> None:
        """It was taken back."""
        self.note("undone", id=change.id)

    def write(self, kind: str, **body: object) -> None:
        """Appends one record and syncs it.

        Raises:
            JournalFailed: the disk refuses; the caller stops and takes back what was done.
        """
        size = os.fstat(self._file.fileno()).st_size
        try:
            self._append(kind, body)
        except OSError as error:
            self._give_room()
            with suppress(OSError):
                # A step whose record may not last must not be believed by the next process.
                self._file.truncate(size)
            raise self._failed(error) from error

    def note(self, kind: str, **body: object) -> None:
        """Appends a record of a run that goes back: nothing stops that, what is refused is only kept in mind.

        A record that may not last stays in the file: to believe it is the safe side.
        """
        try:
            self._append(kind, body)
        except OSError:
            self._give_room()
            self._note_again(kind, body)

    def _note_again(self, kind: str, body: dict[str, object]) -> None:
        """Once more, in the room that was kept; a record that stands there twice says the same."""
        try:
            self._append(kind, body)
        except OSError:
            about = (str(body[key]) for key in ("id", "machine") if key in body)
            self.unrecorded.append(" ".join([kind, *about]))

    def _append(self, kind: str, body: dict[str, object]) -> None:
        record = {"at": datetime.now(UTC).isoformat(), "run": self.run, "kind": kind, **body}
        line = json.dumps(record, ensure_ascii=False).encode() + b"\n"
        left = b"\n" + line if self._torn else line
        self._torn = True
        while left:
            left = left[self._file.write(left) :]
        os.fsync(self._file.fileno())
        self._torn = False

    def _close(self) -> None:
        """A run of which nothing could be recorded leaves no journal."""
        is_empty = os.fstat(self._file.fileno()).st_size == 0
        self._file.close()
        self._give_room()
        if is_empty:
            with suppress(OSError):
                # A disk that refuses even this keeps a journal in which nothing stands.
                self.path.unlink()

    def _keep_room(self, *, needed: bool) -> None:
        try:
            _write_synced(self._reserve, _RESERVED)
        except OSError:
            # To take back or to confirm a run a few bytes are enough.
            if needed:
                raise
            self._give_room()

    def _give_room(self) -> None:
        with suppress(OSError):
            # It may have gone already; and what does not go is at most 64 kB.
            self._reserve.unlink()

    def _failed(self, error: OSError) -> JournalFailed:
        return JournalFailed(f"{self.path}: the journal cannot be written: {error.strerror}")


def _only_new(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_EXCL, 0o666)


def _write_synced(path: Path, data: bytes) -> None:
    with path.open("wb", buffering=0) as file:
        if file.write(data) < len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.fsync(file.fileno())


def new_run_id() -> str:
    """A run's id: sortable by time (to the microsecond), so the newest run is the last by name."""
    return datetime.now(UTC).strftime("%Y%m%dT%H%M%S-%fZ")
