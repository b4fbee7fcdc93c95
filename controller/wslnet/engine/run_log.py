"""Runs as their journals tell them: what was intended, done, taken back, and how they ended.

Reading only. A last line that was cut off by a crash is passed over: what it would have said did not count.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

import msgspec

from wslnet.engine.journal import FOLDER
from wslnet.engine.restart import RunningVm
from wslnet.errors import InputError
from wslnet.model.change import change_from_json

if TYPE_CHECKING:
    from pathlib import Path

    from wslnet.model.change import Change


class End(StrEnum):
    """How a run ended; `INTERRUPTED` when its journal has no last word."""

    COMMITTED = "committed"
    ROLLED_BACK = "rolled-back"
    INCOMPLETE = "rollback-incomplete"
    UNDONE = "undone"
    INTERRUPTED = "interrupted"


_LAST_WORDS = {str(end) for end in End}


@dataclass(frozen=True)
class RunLog:
    """One run. `outcomes`: change id → `unknown` (intent only), `done`, `verified`, `undone`, `not-done`."""

    run: str
    path: Path
    began: str = ""
    ended: End = End.INTERRUPTED
    plan: dict[str, object] = field(default_factory=dict)
    vms: tuple[RunningVm, ...] = ()
    changes: tuple[Change, ...] = ()
    outcomes: dict[str, str] = field(default_factory=dict)

    @property
    def left(self) -> tuple[Change, ...]:
        """Changes that stand or may stand, in the order they were made."""
        return tuple(one for one in self.changes if self.outcomes.get(one.id) not in {"undone", "not-done"})

    @property
    def complete(self) -> bool:
        """Whether every change of the plan was read back: only verify or confirm is missing."""
        verified = sum(1 for outcome in self.outcomes.values() if outcome == "verified")
        return bool(self.planned) and verified >= len(self.planned)

    @property
    def planned(self) -> tuple[str, ...]:
        """Ids of the plan's own changes; what a forecast only promised to put back does not count."""
        shown = self.plan.get("changes")
        changes = shown if isinstance(shown, list) else []
        return tuple(one["id"] for one in changes if one["do"]["verb"] != "forecast")


def read_runs(state: Path) -> tuple[RunLog, ...]:
    """All runs of a state folder, oldest first."""
    return tuple(_read(file) for file in sorted((state / FOLDER).glob("*.jsonl")))


def find_run(state: Path, run: str) -> RunLog:
    """The run with this id.

    Raises:
        InputError: there is none.
    """
    for log in read_runs(state):
        if log.run == run:
            return log
    raise InputError(f"no run {run!r} in {state}; `wslnet history` lists them")


def _read(path: Path) -> RunLog:
    began, ended = "", End.INTERRUPTED
    plan: dict[str, object] = {}
    vms: tuple[RunningVm, ...] = ()
    changes: dict[str, Change] = {}
    outcomes: dict[str, str] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            record = json.loads(line)
        except ValueError:
            continue
        match record["kind"]:
            case "open":
                began, plan = record["at"], record["plan"]
                vms = tuple(msgspec.convert(record["vms"], list[RunningVm]))
            case "intent":
                change = change_from_json({**record["change"]})
                changes[change.id], outcomes[change.id] = change, "unknown"
            case "done" | "not-done" | "verified" | "undone" as outcome if "id" in record:
                outcomes[record["id"]] = outcome
            case last if last in _LAST_WORDS:
                ended = End(last)
            case _:
                ended = End.INTERRUPTED  # it went on after its last word (an undo that began)
    return RunLog(path.stem, path, began, ended, plan, vms, tuple(changes.values()), outcomes)
