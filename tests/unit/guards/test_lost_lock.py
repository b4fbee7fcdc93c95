"""A lock rides in every request; an answer that never came makes a doubt only of what could change."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from wslnet.engine.machine_locks import LockedFleet
from wslnet.engine.run_log import RunLog
from wslnet.errors import DeadlineExceeded, OutcomeUnknown, Unreachable
from wslnet.model.change import Op
from wslnet.model.machine import Inventory, Kind, Machine

from .model import OUTER, Clock, GuardedFleet

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from wslnet.model.change import OpResult


class Silent(GuardedFleet):
    """It gets what changes something, the lock included, and never answers."""

    def execute(self, machine: str, ops: Sequence[Op], *, deadline_s: float) -> tuple[OpResult, ...]:
        super().execute(machine, ops, deadline_s=deadline_s)
        lost = DeadlineExceeded(f"{machine}: no answer in time", machine=machine)
        raise OutcomeUnknown(f"{ops[0].verb} may have happened", machine=machine) from lost


@pytest.mark.parametrize(
    ("ops", "told"),
    [
        ([Op("facts", {"needs": ["sysctls"]})], DeadlineExceeded),
        ([], DeadlineExceeded),
        ([Op("sysctl.set", {"key": "k", "value": "1"})], OutcomeUnknown),
    ],
)
def test_a_lock_in_doubt_is_a_machine_out_of_reach(
    tmp_path: Path, ops: Iterable[Op], told: type[Unreachable | OutcomeUnknown]
) -> None:
    fleet = LockedFleet(Silent.at(tmp_path, Clock()), "run", "token", frozenset({OUTER}))
    with pytest.raises(told):
        fleet.execute(OUTER, tuple(ops), deadline_s=5)
    assert fleet.extended == {}


def test_an_undo_that_was_killed_behind_its_restart_still_has_its_locks(tmp_path: Path) -> None:
    restart = {"id": "wsl:restart", "machine": "windows", "risk": "restarts-layer", "do": {"verb": "restart"}}
    machines = {
        one.name: one
        for one in (
            Machine("windows", Kind.WINDOWS),
            Machine("wsl", Kind.WSL, parent="windows"),
            Machine("vm1", Kind.VM, parent="wsl"),
            Machine("lan", Kind.PEER),
        )
    }
    inventory = Inventory(tmp_path / "inventory.toml", tmp_path, machines)
    log = RunLog("run", tmp_path / "run.jsonl", plan={"changes": [restart]})
    assert log.left == ()
    assert log.machines(inventory) == {"windows", "wsl", "vm1"}
