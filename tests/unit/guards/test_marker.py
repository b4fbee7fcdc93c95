"""The confirmed marker: set last, over what stands, and taken away before anything else goes."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from wslnet.app.confirm import confirm
from wslnet.app.execute import execute
from wslnet.app.result import Result
from wslnet.app.setup import Prepared
from wslnet.app.undo import run_to_undo, undo
from wslnet.engine.gather import gather
from wslnet.engine.planner import make_plan
from wslnet.engine.run_log import read_runs
from wslnet.model.change import OpResult
from wslnet.profiles.modes import SetupOptions
from wslnet.resources.persistent_file import Form, PersistentFile

from .model import INNER, OUTER, Clock, GuardedFleet

if TYPE_CHECKING:
    from pathlib import Path

HOOK = PersistentFile(INNER, "/etc/network/if-up.d/wslnet", Form.SCRIPT, "true\n", "test")


@dataclass
class DiskFleet(GuardedFleet):
    """Whose machine `inner` has a disk; `refuse_mark`: it takes no marker."""

    files: dict[str, dict[str, Any]] = field(default_factory=dict)
    marked: set[str] = field(default_factory=set)
    refuse_mark: bool = False

    def _one(self, machine: str, verb: str, args: dict[str, Any]) -> OpResult:
        if verb == "facts":
            found = [
                {key: one[key] for key in ("path", "mode", "uid", "gid", "content")}
                for one in self.files.values()
            ]
            return OpResult({"files": {"missing": [], "found": found, "confirmed": sorted(self.marked)}})
        if verb == "file.write":
            self.files[args["path"]] = args
        elif verb == "file.remove":
            del self.files[args["path"]]
        elif verb == "marker.set" and self.refuse_mark:
            return OpResult(code="failed", message="no space left")
        elif verb == "marker.set":
            self.marked.add(args["run"])
        elif verb == "marker.remove" and args["run"] not in self.marked:
            return OpResult(code="not-found", message="no mark")
        elif verb == "marker.remove":
            self.marked.remove(args["run"])
        else:
            return super()._one(machine, verb, args)
        return OpResult({})

    def verbs(self) -> list[str]:
        return [verb for _, verbs in self.requests for verb in verbs if verb != "facts"]


def say(_machine: str, _text: str) -> None:
    """Nobody listens."""


@pytest.fixture
def fleet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DiskFleet:
    clock = Clock()
    clock.patch(monkeypatch)
    return DiskFleet.at(tmp_path, clock)


def prepared(fleet: DiskFleet) -> Prepared:
    snapshot = gather(fleet, {OUTER: frozenset({"files"}), INNER: frozenset({"files"})})
    plan = make_plan(snapshot, (HOOK,))
    return Prepared(fleet, SetupOptions(), snapshot, (HOOK,), plan, lambda _: ())


def test_it_is_set_when_the_guards_are_gone_and_before_the_last_word(fleet: DiskFleet) -> None:
    waiting = execute(prepared(fleet), say, confirm_within=60)
    assert (waiting.result, fleet.marked) == (Result.PENDING, set())
    assert [one["run"] for one in fleet.files.values()] == [waiting.run]
    assert confirm(fleet, None, say).result is Result.COMMITTED
    assert fleet.marked == {waiting.run}
    last = [verb for verb in fleet.verbs() if not verb.startswith("lock.")]
    assert last[-2:] == ["guard.disarm", "marker.set"]


def test_without_it_nothing_stands(fleet: DiskFleet) -> None:
    fleet.refuse_mark = True
    outcome = execute(prepared(fleet), say)
    assert (outcome.result, outcome.left, fleet.files) == (Result.ROLLED_BACK, (), {})
    assert "no space left" in str(outcome.reason)
    (log,) = read_runs(fleet.inventory.state)
    kinds = [json.loads(line)["kind"] for line in log.path.read_bytes().split(b"\n") if line]
    assert "committed" not in kinds


def test_undo_takes_it_away_first(fleet: DiskFleet) -> None:
    assert execute(prepared(fleet), say).result is Result.COMMITTED
    assert undo(fleet, run_to_undo(fleet.inventory.state, None), say).exit_code == 0
    assert (fleet.files, fleet.marked) == ({}, set())
    last = fleet.verbs()
    assert last.index("marker.remove") < last.index("file.remove")
