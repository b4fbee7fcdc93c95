"""WSL and WSL of two PCs on one network, one bridged and one behind NAT, then both bridged, by packets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .asking import run
from .test_forward_link import asked, link, other, saying

if TYPE_CHECKING:
    from .conftest import RunningLab

pytestmark = [pytest.mark.lab, pytest.mark.timeout(900)]

TOPOLOGY = "two-external"
FIRST_PC, FIRST_WSL, SECOND_WSL = "172.24.21.109", "172.24.21.120", "172.24.21.121"
__all__ = ["other"]


@pytest.mark.full
@pytest.mark.row("S1-23", "S1-24")
def test_a_bridged_wsl_and_one_behind_nat_then_two_bridged_ones(
    story_lab: RunningLab, other: RunningLab
) -> None:
    for changed, ways in (
        (other, {(SECOND_WSL, True), (FIRST_PC, True)}),
        (story_lab, {(SECOND_WSL, True), (FIRST_WSL, True)}),
    ):
        code, said = run(changed, "setup", "--bridged", "--yes", timeout_s=400)
        assert (code, said["result"]) == (0, "committed"), said
        code, said = link(story_lab, other, "--port", "9090", "--yes")
        assert code == 0, said
        assert {(one["address"], one["measured"]) for one in said["verify"]} == ways
        with saying(story_lab, "the first"), saying(other, "the second"):
            assert asked(story_lab, SECOND_WSL, 9090) == "the second"
            first = FIRST_PC if changed is other else FIRST_WSL
            assert asked(other, first, 9090) == "the first"
        # A bridged WSL has its ports on the LAN by itself: what was published behind NAT goes first.
        if changed is other:
            assert run(story_lab, "forward", "remove", "9090", "--yes")[0] == 0
