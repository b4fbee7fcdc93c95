"""The guard inside a boot task's process: what it does with orders, a clock, and what a former one left."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest

from wslnet.app.boot_guard import Guard
from wslnet.errors import PlanRefused
from wslnet_win_agent.boot.guard_files import (
    ARMED,
    FIRED,
    FIRING,
    NETWORK,
    RELEASE,
    RELEASED,
    WATCH,
    Order,
    Report,
)
from wslnet_win_agent.boot.places import order_name, report_name

if TYPE_CHECKING:
    from pathlib import Path

UNDO = {"verb": "hyperv_rule.remove", "args": {"name": "x"}}
ORDER = Order("run-1", "token", 1, WATCH, 10.0, (UNDO,), (NETWORK,))
DONE = ({"verb": "hyperv_rule.remove", "error": None},)


@dataclass
class Bench:
    folder: Path
    now: float = 100.0
    taken_back: list[Report] = field(default_factory=list)
    seen_while_firing: list[str] = field(default_factory=list)

    def guard(self) -> Guard:
        return Guard(NETWORK, self.folder, self.take_back, now=lambda: self.now)

    def take_back(self, report: Report) -> tuple[dict[str, Any], ...]:
        self.taken_back.append(report)
        self.seen_while_firing.append(self.report().state)
        return DONE

    def give(self, order: Order) -> None:
        (self.folder / order_name(NETWORK)).write_bytes(order.to_bytes())

    def left(self, report: Report) -> None:
        (self.folder / report_name(NETWORK)).write_bytes(report.to_bytes())

    def report(self) -> Report:
        found = Report.of((self.folder / report_name(NETWORK)).read_bytes())
        assert found is not None
        return found


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_it_says_that_it_watches_with_all_it_needs_before_anything_else(bench: Bench) -> None:
    bench.give(ORDER)
    with bench.guard() as guard:
        assert guard.look()
        assert bench.report() == Report(ORDER, ARMED)


def test_it_fires_at_its_deadline_and_an_extension_moves_that(bench: Bench) -> None:
    bench.give(ORDER)
    with bench.guard() as guard:
        guard.look()
        bench.now += 9
        bench.give(replace(ORDER, number=2))
        assert guard.look()
        bench.now += 9.9
        assert guard.look()
        assert bench.taken_back == []
        bench.now += 0.1
        assert not guard.look()
    assert (bench.report().state, bench.report().done, bench.seen_while_firing) == (FIRED, DONE, [FIRING])
    assert [one.order.number for one in bench.taken_back] == [2]


def test_an_order_of_the_same_number_moves_nothing(bench: Bench) -> None:
    bench.give(ORDER)
    with bench.guard() as guard:
        guard.look()
        bench.now += 5
        bench.give(ORDER)
        guard.look()
        bench.now += 5
        assert not guard.look()


def test_released_it_lets_the_changes_stand_for_ever(bench: Bench) -> None:
    bench.give(ORDER)
    with bench.guard() as guard:
        guard.look()
        bench.give(replace(ORDER, number=2, word=RELEASE))
        assert not guard.look()
        bench.now += 1000
        assert not guard.look()
    assert (bench.report().state, bench.taken_back) == (RELEASED, [])
    with bench.guard() as successor:
        assert not successor.look()
    assert bench.taken_back == []


def test_one_that_has_fired_is_not_armed_again_by_the_same_run(bench: Bench) -> None:
    bench.give(ORDER)
    with bench.guard() as guard:
        guard.look()
        bench.now += 11
        guard.look()
        bench.give(replace(ORDER, number=2))
        assert not guard.look()
        bench.give(replace(ORDER, run="run-2", number=1))
        assert guard.look()
    assert len(bench.taken_back) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        replace(ORDER, token="guess", number=9, word=RELEASE).to_bytes(),
        replace(ORDER, run="run-0", number=9, word=RELEASE).to_bytes(),
        replace(ORDER, number=9, word=RELEASE).to_bytes()[:-20],
        b"",
        b"[]",
        b'{"run": "run-1", "token": "token"}',
        b"\xff\xfe",
    ],
)
def test_a_wrong_token_and_half_a_file_change_nothing(wrong: bytes, bench: Bench) -> None:
    bench.give(ORDER)
    with bench.guard() as guard:
        guard.look()
        (bench.folder / order_name(NETWORK)).write_bytes(wrong)
        assert guard.look()
        (bench.folder / order_name(NETWORK)).unlink()
        assert guard.look()
        bench.now += 11
        assert not guard.look()
    assert [one.order for one in bench.taken_back] == [ORDER]


@pytest.mark.parametrize("state", [ARMED, FIRING])
def test_what_a_former_guard_left_is_taken_back_at_once(state: str, bench: Bench) -> None:
    bench.give(ORDER)
    bench.left(Report(ORDER, state, aliases={"7": "switch"}))
    with bench.guard() as guard:
        assert [one.aliases for one in bench.taken_back] == [{"7": "switch"}]
        assert bench.report().state == FIRED
        assert not guard.look()


def test_even_when_the_order_is_gone(bench: Bench) -> None:
    bench.left(Report(ORDER, ARMED))
    with bench.guard():
        assert len(bench.taken_back) == 1


def test_a_confirmation_that_the_former_one_did_not_read_counts(bench: Bench) -> None:
    bench.left(Report(ORDER, ARMED))
    bench.give(replace(ORDER, number=2, word=RELEASE))
    with bench.guard():
        assert (bench.taken_back, bench.report().state) == ([], RELEASED)


def test_one_that_had_begun_to_take_back_goes_on_in_spite_of_it(bench: Bench) -> None:
    bench.left(Report(ORDER, FIRING))
    bench.give(replace(ORDER, number=2, word=RELEASE))
    with bench.guard():
        assert (len(bench.taken_back), bench.report().state) == (1, FIRED)


@pytest.mark.parametrize("state", [FIRED, RELEASED])
def test_what_is_settled_is_left_alone(state: str, bench: Bench) -> None:
    bench.left(Report(ORDER, state))
    bench.give(ORDER)
    with bench.guard() as guard:
        assert not guard.look()
    assert bench.taken_back == []


def test_an_order_to_let_stand_what_nobody_watched_over_arms_nothing(bench: Bench) -> None:
    bench.give(replace(ORDER, word=RELEASE))
    with bench.guard() as guard:
        assert not guard.look()


def test_one_process_at_a_time_is_the_guard(bench: Bench) -> None:
    bench.give(ORDER)
    with bench.guard() as guard:
        guard.look()
        with pytest.raises(PlanRefused, match="another process"), bench.guard():
            pass
        assert guard.look()
    assert bench.taken_back == []


def test_taking_back_that_breaks_off_is_tried_again(bench: Bench) -> None:
    bench.give(ORDER)
    with bench.guard() as guard:
        guard.look()
        bench.now += 11

        def broken(_: Report) -> tuple[dict[str, Any], ...]:
            raise OSError(28, "No space left on device")

        guard.take_back = broken
        with pytest.raises(OSError, match="space"):
            guard.look()
        assert bench.report().state == FIRING
        guard.take_back = bench.take_back
        assert not guard.look()
    assert bench.report().state == FIRED
