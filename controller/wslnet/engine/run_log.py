"""Runs as their journals tell them: what was intended, done, taken back, and how they ended.

Reading only. A last line that was cut off by a crash is passed over: what it would have said did not count.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from wslnet.engine.journal import FOLDER
from wslnet.engine.restart import RunningVm
from wslnet.errors import InputError, PlanRefused
from wslnet.model.captured import Captured, captured_from_json
from wslnet.model.change import FORECAST_VERB, Risk, change_from_json
from wslnet.model.regression import Baseline, baseline_from_json
from wslnet.model.typed import typed

if TYPE_CHECKING:
    from pathlib import Path

    from wslnet.model.change import Change
    from wslnet.model.machine import Inventory


class End(StrEnum):
    """How a run ended; `INTERRUPTED` when its journal has no last word."""

    COMMITTED = "committed"
    PENDING = "pending"
    NEEDS_REBOOT = "needs-reboot"
    ROLLED_BACK = "rolled-back"
    INCOMPLETE = "rollback-incomplete"
    UNDONE = "undone"
    RESTARTED = "restarted"
    INTERRUPTED = "interrupted"


_LAST_WORDS = {str(end) for end in End}
_GOING_BACK = {"failed", "undo-began", "undoing"}


@dataclass(frozen=True)
class RunLog:
    """One run. `outcomes`: change id → `unknown` (intent only), `done`, `verified`, `undone`, `not-done`.

    `guards`: machine → token of a guard that may still be armed; `deadline`: until when it waits for
    `confirm` (ISO 8601); `to_confirm`: only the user's `confirm` may commit it, and that has
    not been asked for; `going_back`: taking back had begun;
    `captured`: what its last restart lost of others; `baseline`: what worked before it; `boot_time`: the
    start of Windows in which it came to wait for another one.
    """

    run: str
    path: Path
    began: str = ""
    ended: End = End.INTERRUPTED
    plan: dict[str, object] = field(default_factory=dict)
    vms: tuple[RunningVm, ...] = ()
    changes: tuple[Change, ...] = ()
    outcomes: dict[str, str] = field(default_factory=dict)
    guards: dict[str, str] = field(default_factory=dict)
    deadline: str | None = None
    to_confirm: bool = False
    going_back: bool = False
    captured: Captured = field(default_factory=Captured)
    baseline: Baseline | None = None
    boot_time: str | None = None

    @property
    def left(self) -> tuple[Change, ...]:
        """Changes that stand or may stand, in the order they were made."""
        return tuple(one for one in self.changes if self.outcomes.get(one.id) not in {"undone", "not-done"})

    def machines(self, inventory: Inventory) -> frozenset[str]:
        """The machines that it changes and may have locked; see `Plan.machines`."""
        listed = self.plan.get("changes")
        planned = listed if isinstance(listed, list) else []
        found = {str(one["machine"]) for one in planned}
        found |= {one.machine for one in self.left} | set(self.guards)
        # Of the plan, too: an undo that is killed behind its restart leaves nothing but its locks.
        risks = {one.get("risk") for one in planned} | {one.risk for one in self.left}
        wsl = inventory.wsl
        if wsl is not None and Risk.RESTARTS_LAYER in risks:
            found |= {wsl.name, *(machine.name for machine in inventory.descendants(wsl.name))}
        return frozenset(found)

    @property
    def expired(self) -> bool:
        """Whether it waits for a confirmation whose time is over."""
        waits = self.ended is End.PENDING and self.deadline is not None
        return waits and datetime.now(UTC) >= datetime.fromisoformat(str(self.deadline))

    @property
    def complete(self) -> bool:
        """Whether every change of the plan was read back and stands: only verify or confirm is missing."""
        verified = sum(1 for outcome in self.outcomes.values() if outcome == "verified")
        return bool(self.planned) and verified >= len(self.planned) and not self.going_back

    @property
    def planned(self) -> tuple[str, ...]:
        """Ids of the plan's own changes; what a forecast only promised to put back does not count."""
        shown = self.plan.get("changes")
        changes = shown if isinstance(shown, list) else []
        return tuple(one["id"] for one in changes if one["do"]["verb"] != FORECAST_VERB)


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


def refuse_beside_pending(state: Path) -> None:
    """Only one run at a time may wait for its confirmation, and nothing else begins beside it.

    Raises:
        PlanRefused: one waits, or waits for a reboot; the message names it.
    """
    for log in read_runs(state):
        if log.ended is End.NEEDS_REBOOT:
            hint = "reboot Windows, then wslnet resume; or wslnet resume --rollback"
            raise PlanRefused(f"run {log.run} waits for a reboot of Windows", hint=hint)
        if log.ended is End.PENDING:
            hint = "wslnet resume" if log.expired else f"wslnet confirm {log.run}, or wslnet undo {log.run}"
            raise PlanRefused(f"run {log.run} waits for its confirmation until {log.deadline}", hint=hint)


def _read(path: Path) -> RunLog:
    log = RunLog(path.stem, path)
    for line in path.read_bytes().split(b"\n"):
        try:
            record = json.loads(line)
        except ValueError:
            continue
        log = _told(log, record)
    return log


def _told(log: RunLog, record: dict[str, Any]) -> RunLog:
    """The run with one more line of its journal."""
    news: dict[str, Any] = {}
    match record["kind"]:
        case "open":
            before = record.get("baseline")
            news["began"], news["plan"] = record["at"], record["plan"]
            news["to_confirm"] = bool(record.get("to_confirm"))
            news["baseline"] = None if before is None else baseline_from_json(before)
            news["vms"] = tuple(typed(record["vms"], list[RunningVm]))
        case "intent":
            change = change_from_json({**record["change"]})
            changes = {one.id: one for one in log.changes} | {change.id: change}
            news["changes"] = tuple(changes.values())
            news["outcomes"] = log.outcomes | {change.id: "unknown"}
        case "done" | "not-done" | "verified" | "undone" as outcome if "id" in record:
            news["outcomes"] = log.outcomes | {record["id"]: outcome}
        case "captured":
            news["captured"] = captured_from_json(record["captured"])
        case "guard" if record["state"] == "armed":
            news["guards"] = log.guards | {record["machine"]: record["token"]}
        case "guard":
            armed = log.guards.items()
            news["guards"] = {name: token for name, token in armed if name != record["machine"]}
        case last if last in _LAST_WORDS:
            # What stood beside a run that lasts is its owner's to change since.
            news["captured"] = log.captured.lasting if last in {"committed", "pending"} else log.captured
            news["deadline"] = record.get("deadline", log.deadline)
            news["boot_time"] = record.get("boot_time", log.boot_time)
            news["ended"] = End(last)
        case kind:
            news["going_back"] = log.going_back or kind in _GOING_BACK
            news["to_confirm"] = log.to_confirm and kind != "confirm-began"
            news["ended"] = End.INTERRUPTED  # it went on after its last word (an undo that began)
    return replace(log, **news)
