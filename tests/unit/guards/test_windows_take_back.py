"""What a guard on Windows undoes: newest first, each op tried again, WSL restarted at the end."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from wslnet.app import boot_take_back
from wslnet.app.boot_take_back import interface_aliases, take_back
from wslnet.model.change import Op, OpResult
from wslnet.model.machine import Inventory, Kind, Machine
from wslnet_win_agent.boot.guard_files import ARMED, WATCH, Order, Report

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

RULE = {"verb": "hyperv_rule.remove", "args": {"name": "x"}}
FORWARDING = {"verb": "forwarding.set", "args": {"interface_index": 7, "family": 4, "enabled": False}}
FILE = {"verb": "wslconfig.write", "args": {"path": "p", "content": None, "expect_sha256": None}}
RESTART = {"verb": "wsl.restart", "args": {"mode": "nat"}}


@dataclass
class Windows:
    """Gives `answers` by verb, the last one for ever; `mode` is what WSL runs in, None: it does not run."""

    answers: dict[str, list[OpResult]] = field(default_factory=dict)
    alias: str = "switch"
    mode: str | None = "nat"
    asked: list[str] = field(default_factory=list)
    inventory: Inventory = field(
        default_factory=lambda: Inventory(
            Path("i"),
            Path("s"),
            {"windows": Machine("windows", Kind.WINDOWS), "wsl": Machine("wsl", Kind.WSL, parent="windows")},
        )
    )

    def execute(self, machine: str, ops: Sequence[Op], *, deadline_s: float) -> tuple[OpResult, ...]:
        assert (machine, len(ops)) == ("windows", 1)
        assert deadline_s > 0
        (op,) = ops
        if op.verb == "facts":
            return (OpResult(self._facts()),)
        self.asked.append(op.verb)
        given = self.answers.get(op.verb, [OpResult({})])
        return (given.pop(0) if len(given) > 1 else given[0],)

    def forget(self, machines: Iterable[str]) -> None:
        """Nothing is kept."""

    def _facts(self) -> dict[str, Any]:
        one = {"index": 7, "alias": self.alias, "family": 4, "forwarding": True, "metric": 1, "mtu": 1500}
        wsl = {"installed": True, "running": self.mode is not None, "mode": self.mode, "distros": []}
        return {"interfaces": [{**one, "connected": True}], "wsl": wsl}


@pytest.fixture(autouse=True)
def restarts(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    made: list[tuple[Any, ...]] = []
    monkeypatch.setattr(boot_take_back.time, "sleep", lambda _: None)
    monkeypatch.setattr(
        boot_take_back, "restart_wsl", lambda _, vms, mode, __, *, force: made.append((vms, mode, force))
    )
    return made


def report(*undo: dict[str, Any], mode: str | None = "nat", aliases: Any = None) -> Report:
    vms = ({"host": "wsl", "domain": "vm1", "depth": 1}, {"host": "gone", "domain": "vm9", "depth": 1})
    return Report(Order("r", "t", 1, WATCH, 5.0, undo, (), vms, mode), ARMED, aliases=aliases)


def say(_machine: str, _text: str) -> None:
    """Nobody listens."""


def test_newest_first_and_the_restart_at_the_end(restarts: list[Any]) -> None:
    windows = Windows()
    done = take_back(windows, "windows", report(RULE, RESTART, FILE), say)
    assert windows.asked == ["wslconfig.write", "hyperv_rule.remove"]
    assert [one["verb"] for one in done] == ["wslconfig.write", "hyperv_rule.remove", "wsl.restart"]
    assert all(one["error"] is None for one in done)
    ((vms, mode, force),) = restarts
    assert ([vm.domain for vm in vms], mode, force) == (["vm1"], "nat", True)


def test_nothing_to_undo_is_fine_and_what_is_held_is_tried_again() -> None:
    locked = OpResult(code="locked", message="held by an editor")
    windows = Windows(
        {
            "hyperv_rule.remove": [OpResult(code="not-found", message="-")],
            "wslconfig.write": [locked, OpResult()],
        }
    )
    assert all(one["error"] is None for one in take_back(windows, "windows", report(RULE, FILE), say))
    assert windows.asked == ["wslconfig.write", "wslconfig.write", "hyperv_rule.remove"]


def test_what_stays_impossible_is_told_and_the_rest_is_done() -> None:
    windows = Windows({"wslconfig.write": [OpResult(code="changed", message="somebody wrote it")]})
    done = take_back(windows, "windows", report(RULE, FILE), say)
    assert [one["error"] and one["error"]["code"] for one in done] == ["changed", None]  # type: ignore[index]
    assert windows.asked.count("wslconfig.write") > 1


@pytest.mark.parametrize(("alias", "asked"), [("switch", ["forwarding.set"]), ("another's", [])])
def test_an_index_that_means_another_interface_now_is_left_alone(alias: str, asked: list[str]) -> None:
    windows = Windows()
    before = report(FORWARDING)
    aliases = interface_aliases(windows, "windows", before.order)
    assert aliases == {"7": "switch"}
    windows.alias = alias
    done = take_back(windows, "windows", report(FORWARDING, aliases=aliases), say)
    assert (windows.asked, done[0]["error"]) == (asked, None)


def test_orders_without_interfaces_need_no_look() -> None:
    assert interface_aliases(Windows(), "windows", report(RULE).order) is None


@pytest.mark.parametrize(
    ("runs", "before", "restarted"),
    [("nat", "nat", False), ("mirrored", "nat", True), (None, "nat", False), ("mirrored", None, False)],
)
def test_wsl_is_restarted_too_when_somebody_else_started_it_with_the_new_file(
    runs: str | None,
    before: str | None,
    restarted: bool,  # noqa: FBT001 - a column of the table above
    restarts: list[Any],
) -> None:
    take_back(Windows(mode=runs), "windows", report(FILE, mode=before), say)
    assert bool(restarts) is restarted
