"""wsl.exe where a session over the network cannot run it: the owner's own task does, for all of `setup`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .asking import lab_calls, run
from .canonical.snapshot import differences, take
from .conftest import wslnet

if TYPE_CHECKING:
    from .conftest import RunningLab

pytestmark = [pytest.mark.lab, pytest.mark.full, pytest.mark.timeout(400)]

OWNER = "DESKTOP-WUJING\\owner"


def test_without_the_task_nothing_is_begun(story_lab: RunningLab) -> None:
    before = take(story_lab)
    assert wslnet("lab", "break", "--name", story_lab.name, "winrs-no-wsl").returncode == 0
    code, _ = run(story_lab, "setup", "--mirrored", "--yes")
    assert code != 0
    assert differences(before, take(story_lab)) == []


def test_with_the_task_the_whole_setup_goes_by_it(story_lab: RunningLab) -> None:
    code, said = run(story_lab, "endpoint", "install", "--owner", OWNER, "--yes")
    assert (code, said["result"]) == (0, "committed"), said
    assert run(story_lab, "status")[0] == 0  # the task's first start makes its folder in the profile
    before, since = take(story_lab), len(lab_calls(story_lab))
    code, said = run(story_lab, "setup", "--mirrored", "--yes")
    assert (code, said.get("result")) == (0, "committed"), said
    code, said = run(story_lab, "undo", "--yes")
    assert (code, said.get("result")) == (0, "committed"), said
    assert differences(before, take(story_lab)) == []

    over = [one for one in lab_calls(story_lab)[since:] if one["kind"] == "winrs"]
    wsl = [one["argv"][1:] for one in over if one["argv"][0].endswith("wsl.exe")]
    # The look that finds out, once a session, and nothing else.
    assert wsl
    assert {tuple(words) for words in wsl} == {("--version",)}
