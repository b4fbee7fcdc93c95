"""`config` on the machines of a lab: both files read, edited as plans, taken back to the byte."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from .conftest import RunningLab, wslnet

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.lab, pytest.mark.timeout(900)]


def run(lab: RunningLab, *arguments: str, code: int = 0) -> Any:
    done = wslnet("--inventory", str(lab.inventory), *arguments, "--json", timeout_s=300)
    assert "Traceback" not in done.stderr, done.stderr
    assert done.returncode == code, done.stdout + done.stderr
    return json.loads(done.stdout)


def wslconfig(lab: RunningLab) -> Path:
    return lab.root("windows") / "Users/owner/.wslconfig"


def mode(lab: RunningLab) -> str:
    return lab.run("wsl", ["wslinfo", "--networking-mode", "-n"]).stdout


@pytest.mark.row("S0-05", "S0-08")
def test_a_key_of_windows_is_set_without_a_restart_and_taken_back(story_lab: RunningLab) -> None:
    before = wslconfig(story_lab).read_bytes()
    plan = run(story_lab, "config", "set", "wsl2.ipv6", "true", "--dry-run", code=10)
    assert [one["risk"] for one in plan["changes"]] == ["safe"]
    assert any(note.startswith("wsl2.ipv6: has no effect in nat mode") for note in plan["notes"])
    assert any("`wslnet restart` does that" in note for note in plan["notes"])
    assert wslconfig(story_lab).read_bytes() == before
    run(story_lab, "config", "set", "wsl2.ipv6", "true", "--yes")
    lines = before.decode().splitlines(keepends=True)
    lines.insert(3, "ipv6=true\n")
    assert wslconfig(story_lab).read_bytes() == "".join(lines).encode()
    findings = run(story_lab, "config", "lint")["findings"]
    assert [(one["code"], one["key"]) for one in findings] == [("dead-key", "wsl2.ipv6")]
    assert run(story_lab, "config", "set", "wsl2.ipv6", "true", "--yes")["result"] == "unchanged"
    run(story_lab, "undo", "--yes")
    assert wslconfig(story_lab).read_bytes() == before
    assert mode(story_lab) == "nat"


@pytest.mark.row("S3-41", "S3-20")
def test_a_key_of_the_distribution_and_what_it_will_mean(story_lab: RunningLab) -> None:
    file = story_lab.root("wsl") / "etc/wsl.conf"
    assert not file.exists()
    run(story_lab, "config", "set", "boot.systemd", "true", "--yes")
    assert file.read_bytes() == b"[boot]\nsystemd=true\n"
    (row,) = [one for one in run(story_lab, "config", "diff")["differences"] if one["key"] == "boot.systemd"]
    assert (row["file"], row["line"], row["used"], row["now"]) == ("/etc/wsl.conf", 2, "true", "false")
    run(story_lab, "undo", "--yes")
    assert not file.exists()


@pytest.mark.full
def test_with_a_restart_the_mode_is_measured_and_undo_brings_the_old_one(story_lab: RunningLab) -> None:
    before = wslconfig(story_lab).read_bytes()
    run(story_lab, "config", "set", "wsl2.networkingMode", "mirrored", "--restart", "--yes")
    assert mode(story_lab) == "mirrored"
    assert run(story_lab, "config", "get", "wsl2.networkingMode")["effective"][
        "wsl2.networkingMode"
    ]["value"] == "mirrored"  # fmt: skip
    run(story_lab, "undo", "--yes")
    assert (mode(story_lab), wslconfig(story_lab).read_bytes()) == ("nat", before)
