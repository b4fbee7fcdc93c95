"""kill -9 of the controller at every boundary of a run that restarts WSL, NAT to mirrored, and its undo."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from .stage import Stage, raise_stage

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = [pytest.mark.lab, pytest.mark.timeout(1200)]

SPLITS = True
PARTS = 12
SETUP = ("setup", "--mirrored", "--allow", "tcp/8080@lan", "--yes")
WHERE = ("before", "after")
"""A torn record counts as none, which the campaign without a restart shows."""


@pytest.fixture(scope="module")
def stage(story_lab: Any) -> Stage:
    return raise_stage(story_lab, SETUP)


def test_killed_at_some_boundaries(stage: Stage, campaign: Callable[..., None]) -> None:
    """Behind the restart in setup, before the one in undo."""
    every = stage.points(WHERE)
    for point in every[len(every) // 2 :: len(every) // 3]:
        campaign("kill-restart-some", 1, stage.kill_at(point))


@pytest.mark.full
@pytest.mark.parametrize("part", range(PARTS))
def test_killed_at_every_boundary(stage: Stage, campaign: Callable[..., None], part: int) -> None:
    for point in stage.points(WHERE)[part::PARTS]:
        end = stage.kill_at(point)
        campaign(f"kill-restart-{point[0]}")
        campaign(f"kill-restart-{point[0]}", 1, end)
