"""The disk of the controller runs full at any record of a run: it is refused, or taken back."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.lab.canonical.snapshot import differences, take

from .stage import Stage, raise_mirrored

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = [pytest.mark.lab, pytest.mark.timeout(900)]

SETUP = ("setup", "--mirrored", "--yes")
PROGRAM = str(Path(__file__).with_name("full_disk.py"))


@pytest.fixture(scope="module")
def stage(story_lab: Any) -> Stage:
    return raise_mirrored(story_lab, SETUP)


def full_at(stage: Stage, verb: str, number: int) -> str:
    """Fills the disk before a record; gives how the run ended, and leaves the old state."""
    stage.bring(verb)
    inventory = stage.lab.inventory
    state = inventory.parent / "controller"
    argv = [sys.executable, PROGRAM, str(number), str(state), "--inventory", str(inventory)]
    done = subprocess.run(
        [*argv, *stage.words(verb)], capture_output=True, text=True, timeout=150, check=False
    )
    assert done.returncode == 0, done.stderr
    first, resumed = (json.loads(line) for line in done.stdout.splitlines())
    assert resumed["code"] in {0, 12}, resumed
    found = take(stage.lab)
    if "error" in first["said"]:
        assert (first["code"], first["said"]["error"]["code"]) == (1, "journal-failed"), first
        ended, expected = "refused", stage.old if verb == "setup" else stage.new
    else:
        # What only tells that a guard is let go may be written into the room that was kept.
        ended = first["said"]["result"]
        expected = stage.new if (verb, ended) == ("setup", "committed") else stage.old
        assert first["code"] == (0 if ended == "committed" else 12), first
        assert first["said"]["unrecorded"] == [], "room was kept for what goes back"
    missing = differences(expected, found)
    assert not missing, "\n".join([f"{verb}, full before record {number}: {ended}", *missing])
    if expected is stage.new:
        stage.back("a full disk")
    return ended


@pytest.mark.parametrize(("verb", "number"), [("setup", 1), ("setup", 8), ("undo", 3)])
def test_full_at_some_records(stage: Stage, verb: str, number: int, campaign: Callable[..., None]) -> None:
    campaign("disk full, some records", 1, f"{verb} {full_at(stage, verb, number)}")


@pytest.mark.full
@pytest.mark.parametrize("verb", ["setup", "undo"])
def test_full_at_every_record(stage: Stage, verb: str, campaign: Callable[..., None]) -> None:
    for number in range(1, stage.records[verb] + 1):
        campaign("disk full", 1, f"{verb} {full_at(stage, verb, number)}")
