"""kill -9 of the controller at every boundary of its journal: `resume` gives the old state or the new one.

The plan without a restart: mirrored already; rules of Windows, a route, forwarding and accepts are missing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from .killed_controller import WHERE
from .stage import Stage, raise_mirrored

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = [pytest.mark.lab, pytest.mark.timeout(900)]

SPLITS = True
PARTS = 16
FEWEST = 60
ALLOWS = ("tcp/8080@lan", "tcp/8443", "udp/5514@lan")
SETUP = ("setup", "--mirrored", *(word for allow in ALLOWS for word in ("--allow", allow)), "--yes")


@pytest.fixture(scope="module")
def stage(story_lab: Any) -> Stage:
    return raise_mirrored(story_lab, SETUP)


def test_killed_at_some_boundaries(stage: Stage, campaign: Callable[..., None]) -> None:
    every = stage.points(WHERE)
    chosen = every[len(every) // 16 :: len(every) // 8]
    assert {verb for verb, _, _ in chosen} == {"setup", "undo"}
    for point in chosen:
        campaign("kill-controller-some", 1, stage.kill_at(point))


@pytest.mark.full
@pytest.mark.parametrize("part", range(PARTS))
def test_killed_at_every_boundary(stage: Stage, campaign: Callable[..., None], part: int) -> None:
    every = stage.points(WHERE)
    assert len(every) >= FEWEST
    for point in every[part::PARTS]:
        end = stage.kill_at(point)
        campaign(f"kill-controller-{point[0]}")
        campaign(f"kill-controller-{point[0]}", 1, end)


@pytest.mark.parametrize(
    ("verb", "number"),
    [
        pytest.param(verb, number, marks=[pytest.mark.full] if (verb, number) != ("setup", 4) else [])
        for verb in ("setup", "undo")
        for number in range(1, 8)
    ],
)
def test_resume_killed_too(stage: Stage, campaign: Callable[..., None], verb: str, number: int) -> None:
    """A run killed in its middle, then `resume` at one of its own records, then `resume`."""
    middle = stage.records[verb] // 2
    stage.bring(verb)
    stage.kill("after", middle, *stage.words(verb))
    stage.kill("after", number, "resume")
    campaign("kill-resume", 1, stage.judge(f"kill after record {middle} of {verb}, {number} of resume"))
