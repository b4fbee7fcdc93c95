"""The journal of one run: append-only, fsynced JSON lines on the controller's side.

A record stands on disk before the change it speaks of, with the op that undoes it; `wsl --shutdown` cannot
take it away, and a later process can read what was done and what was not (`wslnet.engine.run_log`).
"""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Self

from wslnet.errors import WslnetError
from wslnet.model.change import change_to_json

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from types import TracebackType

    from wslnet.engine.restart import RunningVm
    from wslnet.model.change import Change
    from wslnet.model.plan import Plan

FOLDER = "journal"
"""Where in the state folder journals lie, one file a run."""


class Journal:
    """One open journal file. Each `write` returns only when the record is on disk."""

    def __init__(self, folder: Path, run: str, *, again: bool = False) -> None:
        """Opens `folder/RUN.jsonl`, anew, or `again` to go on with a run that is there.

        Raises:
            WslnetError: the folder or file cannot be written; nothing has been changed yet.
        """
        self.run = run
        self.path = folder / f"{run}.jsonl"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("a" if again else "x", encoding="utf-8", newline="\n")
            if again:
                # A record that was cut in the middle must not swallow the next one.
                self._file.write("\n")
        except OSError as error:
            raise WslnetError(f"{self.path}: the journal cannot be written: {error.strerror}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def open_run(self, plan: Plan, vms: Iterable[RunningVm], *, to_confirm: bool = False) -> None:
        """The first record: the whole plan, the VMs that run now, whether only the user may confirm it."""
        running = [{"host": vm.host, "domain": vm.domain, "depth": vm.depth} for vm in vms]
        self.write("open", plan=plan.to_json(), vms=running, to_confirm=to_confirm)

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

    def undone(self, change: Change) -> None:
        """It was taken back and read back."""
        self.write("undone", id=change.id)

    def write(self, kind: str, **body: object) -> None:
        """Appends one record and syncs it.

        Raises:
            WslnetError: the disk refuses; the caller stops and takes back what was done.
        """
        record = {"at": datetime.now(UTC).isoformat(), "run": self.run, "kind": kind, **body}
        try:
            self._file.write(json.dumps(record, ensure_ascii=False) + "\n")
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise WslnetError(f"{self.path}: the journal cannot be written: {error.strerror}") from error


def new_run_id() -> str:
    """A run's id: sortable by time (to the microsecond), so the newest run is the last by name."""
    return datetime.now(UTC).strftime("%Y%m%dT%H%M%S-%fZ")
