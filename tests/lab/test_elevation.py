"""Rights at the machine itself: one prompt elevates only the bridge, unattended there is none (exit 13)."""

from __future__ import annotations

import json
import os
import pty
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from .asking import WSLNET, lab_calls
from .conftest import RunningLab, labs, wslnet
from .write_rules import judge_story

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.lab, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def lab() -> Iterator[RunningLab]:
    with labs() as up:
        story = up(f"t{os.getpid()}-elevation")
        yield story
        judge_story(story)


@contextmanager
def terminal() -> Iterator[int]:
    """A terminal that somebody sits at; gives what the program has as its input."""
    ours, theirs = pty.openpty()
    try:
        yield theirs
    finally:
        os.close(theirs)
        os.close(ours)


def at_windows(lab: RunningLab, *words: str, stdin: int = subprocess.DEVNULL) -> tuple[int, dict[str, Any]]:
    """Runs wslnet on Windows in a terminal of the owner's that is not elevated."""
    inventory = lab.inventory.with_name("inventory-local.toml")
    program = ["env", "WSLNET_LAB_IDENTITY=limited", WSLNET, "--inventory", str(inventory), *words, "--json"]
    done = subprocess.run(
        [WSLNET, "lab", "exec", "--name", lab.name, "windows", "--", *program],
        capture_output=True,
        text=True,
        timeout=170,
        check=False,
        stdin=stdin,
    )
    assert "Traceback" not in done.stderr, done.stderr
    assert done.stdout, (done.returncode, done.stderr)
    return done.returncode, json.loads(done.stdout)


def prompts(lab: RunningLab) -> list[list[str]]:
    """What the user was asked to let pass so far."""
    log = lab.inventory.parent / "log" / "prompts.log"
    return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


def writes(lab: RunningLab) -> list[str]:
    """The commands that change Windows, of all sessions so far."""
    names = [command["name"] for one in lab_calls(lab) for command in one.get("commands") or ()]
    return [name for name in names if name.startswith("Set-NetIP")]


@pytest.mark.row("S3-10")
def test_unattended_without_rights_nothing_is_changed(lab: RunningLab) -> None:
    code, said = at_windows(lab, "forwarding", "enable", "--yes")

    assert (code, said["error"]["code"]) == (13, "needs-elevation")
    assert (writes(lab), prompts(lab)) == ([], [])


@pytest.mark.row("S3-10")
def test_one_prompt_elevates_the_bridge_for_the_plan_that_was_shown(lab: RunningLab) -> None:
    with terminal() as stdin:
        code, said = at_windows(lab, "forwarding", "enable", "--yes", stdin=stdin)
        again = at_windows(lab, "forwarding", "enable", "--yes", stdin=stdin)

    assert (code, said["result"]) == (0, "committed"), said
    assert (again[0], again[1]["result"]) == (0, "unchanged")
    assert set(writes(lab)) == {"Set-NetIPInterface"}
    [asked] = prompts(lab)
    assert asked[1:5] == ["-m", "wslnet", "endpoint", "bridge"]
    code, said = at_windows(lab, "doctor", "--only", "windows.session")
    assert (code, [one["status"] for one in said["findings"]]) == (0, ["ok"])
    assert "one prompt asks for rights" in said["findings"][0]["title"]


def test_a_prompt_that_is_declined_changes_nothing(lab: RunningLab) -> None:
    before = writes(lab)
    assert wslnet("lab", "break", "--name", lab.name, "uac-declined").returncode == 0
    with terminal() as stdin:
        code, said = at_windows(lab, "forwarding", "disable", "--yes", stdin=stdin)

    assert (code, said["error"]["code"]) == (13, "needs-elevation")
    assert writes(lab) == before
    assert len(prompts(lab)) == 2
