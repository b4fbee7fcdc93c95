"""A VM that does not stop: the restart was never begun, so there is none to take back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from wslnet.engine.apply import Progress, apply_changes
from wslnet.engine.journal import Journal
from wslnet.engine.planner import RESTART_VERB
from wslnet.engine.restart import RestartRefused, RunningVm
from wslnet.engine.take_back import roll_back
from wslnet.model.change import Action, Change, Op, OpResult, Risk
from wslnet.model.machine import Inventory, Kind, Machine

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path


class OneStubbornVm:
    """A host whose VM refuses to stop; it remembers every verb that it was sent."""

    def __init__(self, folder: Path) -> None:
        windows = Machine("windows", Kind.WINDOWS)
        wsl = Machine("wsl", Kind.WSL, parent="windows", distro="Debian")
        self.inventory = Inventory(folder / "wslnet.toml", folder, {"windows": windows, "wsl": wsl})
        self.sent: list[str] = []

    def execute(self, machine: str, ops: Sequence[Op], *, deadline_s: float) -> tuple[OpResult, ...]:
        assert machine in self.inventory.machines
        assert deadline_s > 0
        self.sent += [op.verb for op in ops]
        failing = OpResult(code="timed-out", message="vm1 is not shut off in time")
        return tuple(failing if op.verb == "domain.shutdown" else OpResult({}) for op in ops)

    def forget(self, machines: Iterable[str]) -> None:
        assert set(machines) <= set(self.inventory.machines)


def test_the_rollback_does_not_restart_what_was_not_restarted(tmp_path: Path) -> None:
    fleet = OneStubbornVm(tmp_path)
    restart = Change(
        machine="windows",
        resource="WSL",
        action=Action.RESTART,
        before="mode nat",
        after="mode mirrored",
        why="test",
        do=Op(RESTART_VERB, {"mode": "mirrored"}),
        undo=Op(RESTART_VERB, {"mode": "nat"}),
        risk=Risk.RESTARTS_LAYER,
    )
    with Journal(tmp_path / "journal", "run") as journal:
        run = Progress(fleet, journal, lambda _machine, _text: None, (RunningVm("wsl", "vm1", 1),))
        with pytest.raises(RestartRefused):
            apply_changes(run, [restart], [])
        assert "wsl.shutdown" not in fleet.sent
        fleet.sent.clear()
        roll_back(run)
    assert fleet.sent == []
    assert run.outcomes == {restart.id: "not-done"}
