"""A lock rides in every request; an answer that never came makes a doubt only of what could change."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from wslnet.engine.machine_locks import LockedFleet
from wslnet.errors import DeadlineExceeded, OutcomeUnknown, Unreachable
from wslnet.model.change import Op

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
