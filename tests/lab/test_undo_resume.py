"""Taking back in a new process: undo of a committed run; two runs at once."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest

from .asking import WSLNET, run

pytestmark = pytest.mark.lab

ALLOW = ("setup", "--mirrored", "--allow", "tcp/8080@lan", "--yes")


@pytest.mark.timeout(300)
def test_undo_brings_back_file_mode_rules_and_vms(seed_lab: Any) -> None:
    config = seed_lab.root("windows") / "Users" / "owner" / ".wslconfig"
    before = config.read_bytes()
    assert run(seed_lab, *ALLOW)[1]["result"] == "committed"
    code, said = run(seed_lab, "undo", "--yes")
    assert (code, {one["outcome"] for one in said["changes"]}) == (0, {"undone"})
    assert config.read_bytes() == before
    assert seed_lab.run("wsl", ["wslinfo", "--networking-mode", "-n"]).stdout == "nat"
    machines = seed_lab.status()["machines"]
    assert [machines[name]["state"] for name in ("wsl", "vm1", "vm2")] == ["running"] * 3
    _, plan = run(seed_lab, *ALLOW[:-1], "--dry-run")
    assert "hyperv-rule wslnet-allow-tcp-8080" in [one["resource"] for one in plan["changes"]]
    _, listed = run(seed_lab, "history")
    assert [one["result"] for one in listed["runs"]] == ["undone"]
    assert run(seed_lab, "undo", "--yes")[1]["result"] == "unchanged"


@pytest.mark.timeout(300)
def test_two_at_once_one_applies_and_the_other_names_the_holder(story_lab: Any) -> None:
    assert run(story_lab, "setup", "--mirrored", "--yes")[1]["result"] == "committed"
    arguments = [WSLNET, "--inventory", str(story_lab.inventory), *ALLOW, "--json"]
    with (
        subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as one,
        subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as other,
    ):
        said = [json.loads(process.communicate(timeout=60)[0]) for process in (one, other)]
    results = sorted(document.get("result") or document["error"]["code"] for document in said)
    # The loser may also come late enough to find its plan stale, or nothing left to do.
    assert results in (["committed", "locked"], ["committed", "plan-refused"], ["committed", "unchanged"])
    for document in said:
        if "error" in document:
            named = "process " if document["error"]["code"] == "locked" else "the plan is stale: windows"
            assert named in document["error"]["message"]
