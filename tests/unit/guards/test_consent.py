"""What a run takes back unless the user agreed to it: a pair that stops, a change that has no undo."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest

from wslnet.app.execute import execute
from wslnet.app.result import Result
from wslnet.app.undo import interrupted, resume
from wslnet.engine.run_log import read_runs
from wslnet.engine.undoable import Irreversible
from wslnet.errors import InputError
from wslnet.model.change import OpResult
from wslnet.model.consent import Consent, parse_pairs

from .model import INNER, OUTER, Clock, GuardedFleet, prepared

if TYPE_CHECKING:
    from pathlib import Path

    from wslnet.app.setup import Prepared

STOPPED = "outer -> inner icmp: timeout"


@dataclass
class Wired(GuardedFleet):
    """`outer` reaches `inner` until the value of `inner` is 1; `live` False: never."""

    live: bool = True

    def _one(self, machine: str, verb: str, args: dict[str, object]) -> OpResult:
        if verb != "probes":
            return super()._one(machine, verb, args)
        ok = self.live and self.values[INNER] == "0"
        answer = {"ok": ok, "ms": 1.0 if ok else None, "detail": "ok" if ok else "timeout"}
        return OpResult([answer for _ in args["probes"]])  # type: ignore[attr-defined]


def say(_machine: str, _text: str) -> None:
    """Nobody listens."""


@pytest.fixture
def fleet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Wired:
    clock = Clock()
    clock.patch(monkeypatch)
    monkeypatch.setattr("wslnet.engine.probes.time", clock)
    return Wired.at(tmp_path, clock)


def irreversible(run: Prepared) -> Prepared:
    changes = tuple(replace(change, undo=None) for change in run.plan.changes)
    return replace(run, plan=replace(run.plan, changes=changes))


@pytest.mark.parametrize("within", [None, 20.0])
def test_a_pair_that_stops_is_taken_back_confirmed_or_pending(fleet: Wired, within: float | None) -> None:
    result = execute(prepared(fleet), say, confirm_within=within)
    assert (result.result, result.exit_code) == (Result.ROLLED_BACK, 12)
    assert STOPPED in (result.reason or "")
    (stopped,) = [one for one in result.to_json()["verify"] if one["proto"] == "icmp"]  # type: ignore[attr-defined]
    assert (stopped["from"], stopped["to"], stopped["measured"]) == (OUTER, INNER, False)
    assert stopped["worked_before"] is True
    assert set(fleet.values.values()) == {"0"}
    assert fleet.held == {}


def test_a_pair_that_may_stop_is_let_go(fleet: Wired) -> None:
    consent = Consent(frozenset({(OUTER, INNER)}))
    assert execute(prepared(fleet), say, consent=consent).result is Result.COMMITTED
    assert set(fleet.values.values()) == {"1"}


def test_a_pair_that_did_not_work_before_guards_nothing(fleet: Wired) -> None:
    fleet.live = False
    assert execute(prepared(fleet), say).result is Result.COMMITTED


def test_before_and_after_cost_one_request_a_machine(fleet: Wired) -> None:
    execute(prepared(fleet), say, consent=Consent(frozenset({(OUTER, INNER)})))
    asked = [machine for machine, verbs in fleet.requests if "probes" in verbs]
    assert sorted(asked) == [OUTER]


def test_a_change_without_undo_is_refused_before_anything_is_begun(fleet: Wired) -> None:
    run = irreversible(prepared(fleet))
    assert {one["reversible"] for one in run.plan.to_json()["changes"]} == {False}  # type: ignore[attr-defined]
    fleet.requests.clear()
    with pytest.raises(Irreversible, match="cannot be undone") as refused:
        execute(run, say)
    assert (refused.value.exit_code, fleet.requests) == (2, [])
    assert "--accept-irreversible" in (refused.value.hint or "")
    assert read_runs(fleet.inventory.state) == ()


def test_it_is_made_when_asked_for_by_name_and_never_to_wait_for_a_confirmation(fleet: Wired) -> None:
    fleet.live = False
    consent = Consent(irreversible=True)
    with pytest.raises(Irreversible, match="cannot be undone"):
        execute(irreversible(prepared(fleet)), say, confirm_within=20.0, consent=consent)
    assert execute(irreversible(prepared(fleet)), say, consent=consent).result is Result.COMMITTED


def test_what_cannot_be_taken_back_is_listed_after_a_regression(fleet: Wired) -> None:
    result = execute(irreversible(prepared(fleet)), say, consent=Consent(irreversible=True))
    assert result.exit_code == 21
    assert len(result.left) == 2
    assert all("no undo" in line for line in result.left)


@pytest.mark.parametrize("text", ["outer", "outer->", "->inner", "outer->outer", "outer->nobody", "a->b->c"])
def test_a_pair_that_is_none_is_one_clear_line(fleet: Wired, text: str) -> None:
    with pytest.raises(InputError, match="--allow-regression"):
        parse_pairs([text], fleet.inventory)


def test_pairs_are_read_with_blanks_and_once(fleet: Wired) -> None:
    assert parse_pairs(["outer->inner", "outer -> inner"], fleet.inventory) == ((OUTER, INNER),)


def test_a_resume_judges_the_pairs_of_before_too(fleet: Wired, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: object, **__: object) -> None:
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr("wslnet.app.execute.verify", killed)
        with pytest.raises(SystemExit):
            execute(prepared(fleet), say)
    log = interrupted(fleet.inventory.state)
    assert log is not None
    assert log.complete
    result = resume(fleet, log, say)
    assert (result.result, result.exit_code) == (Result.ROLLED_BACK, 12)
    assert set(fleet.values.values()) == {"0"}
