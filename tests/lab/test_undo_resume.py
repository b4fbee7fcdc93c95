"""Taking back in a new process: undo of a committed run, resume after kill -9 at every journal record."""

from __future__ import annotations

import difflib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.lab

WSLNET = str(Path(sys.executable).parent / "wslnet")
ALLOW = ("setup", "--mirrored", "--allow", "tcp/8080@lan", "--yes")

# Runs the program and kills it with SIGKILL before or after the N-th journal record.
KILLED_AT = """
import os, signal, sys
from wslnet.engine.journal import Journal
write, count, (where, number) = Journal.write, [0], (sys.argv[1], int(sys.argv[2]))
def counted(self, kind, **body):
    count[0] += 1
    if where == "before" and count[0] == number:
        os.kill(os.getpid(), signal.SIGKILL)
    write(self, kind, **body)
    if where == "after" and count[0] == number:
        os.kill(os.getpid(), signal.SIGKILL)
Journal.write = counted
from wslnet.cli.main import main
main(sys.argv[3:])
"""


def run(lab: Any, *arguments: str) -> tuple[int, dict[str, Any]]:
    command = [WSLNET, "--inventory", str(lab.inventory), *arguments, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=110, check=False)
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, json.loads(done.stdout)


def state(lab: Any) -> str:
    """What a run may change, in a form that forgets counters and lifetimes."""
    said = (lab.root("windows") / "Users" / "owner" / ".wslconfig").read_text(encoding="utf-8")
    rules = json.loads((lab.inventory.parent / "windows" / "firewall.json").read_text(encoding="utf-8"))
    said += json.dumps(rules, sort_keys=True)
    for machine in ("wsl", "vm1", "vm2"):
        for command in (
            ["ip", "-4", "route", "show", "table", "all"],  # IPv6 link-local ones come when DAD is done
            ["ip", "-4", "-o", "addr"],
            ["ip", "rule"],
            ["iptables-save"],
            ["sysctl", "net.ipv4.ip_forward"],
        ):
            lines = lab.outside(machine, command).stdout.splitlines()
            said += "".join(line.partition(" [")[0] + "\n" for line in lines if not line.startswith("#"))
    return said


def difference(one: str, other: str) -> str:
    return "\n".join(difflib.unified_diff(one.splitlines(), other.splitlines(), lineterm="", n=0))


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


@pytest.mark.timeout(600)
@pytest.mark.parametrize("every", [3, pytest.param(1, marks=pytest.mark.full)])
def test_killed_at_a_record_resume_ends_in_the_old_state_or_the_new(
    story_lab: Any, record_property: Any, every: int
) -> None:
    """The plan without a restart: mirrored already; a rule, a route and an accept are missing.

    Killed before and after every record (`full`), or at every third of these points.
    """
    # Each killed run leaves two shells behind for a minute; nobody kills thirty a minute by hand.
    settings = story_lab.inventory.parent / "windows.json"
    wire = json.loads(settings.read_text(encoding="utf-8")) | {"wire": {"max_shells_per_user": 300}}
    settings.write_text(json.dumps(wire), encoding="utf-8")
    assert run(story_lab, "setup", "--mirrored", "--yes")[1]["result"] in {"committed", "unchanged"}
    assert run(story_lab, "resume")[1]["result"] == "unchanged"
    story_lab.outside("wsl", ["ip", "route", "del", "192.168.124.0/24"])
    story_lab.outside("vm1", ["iptables", "-D", "FORWARD", "1"])
    old = state(story_lab)
    code, said = run(story_lab, *ALLOW)
    assert (code, said["result"]) == (0, "committed"), said
    new = state(story_lab)
    assert new != old
    records = len(_journal(story_lab, said["run"]))
    assert run(story_lab, "undo", "--yes")[0] == 0
    assert state(story_lab) == old
    ends: dict[str, int] = {"old": 0, "new": 0}
    points = [(where, number) for number in range(1, records + 1) for where in ("before", "after")]
    # From the end: the last points are those that lead to the new state.
    chosen = points[::-every]
    for where, number in chosen:
        arguments = ["--inventory", str(story_lab.inventory), *ALLOW, "--json"]
        killed = subprocess.run(
            [sys.executable, "-c", KILLED_AT, where, str(number), *arguments],
            capture_output=True,
            timeout=60,
            check=False,
        )
        assert killed.returncode == -9, (where, number, killed.stderr)
        code, said = run(story_lab, "resume")
        assert code in {0, 12}, said
        found = state(story_lab)
        assert found in {old, new}, (
            f"a third state after kill {where} record {number}: {difference(old, found)}"
        )
        ends["new" if found == new else "old"] += 1
        if found == new:
            assert run(story_lab, "undo", "--yes")[0] == 0
            assert state(story_lab) == old
    assert sum(ends.values()) == len(chosen)
    assert min(ends.values()) > 0
    record_property("points", len(chosen))


def _journal(lab: Any, name: str) -> list[str]:
    file = lab.inventory.parent / "controller" / "journal" / f"{name}.jsonl"
    return file.read_text(encoding="utf-8").splitlines()


def test_two_at_once_one_applies_and_the_other_names_the_holder(story_lab: Any) -> None:
    arguments = [WSLNET, "--inventory", str(story_lab.inventory), *ALLOW, "--json"]
    with (
        subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as one,
        subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as other,
    ):
        said = [json.loads(process.communicate(timeout=60)[0]) for process in (one, other)]
    results = sorted(document.get("result") or document["error"]["code"] for document in said)
    # The loser may also come late enough to find nothing left to do.
    assert results in (["committed", "plan-refused"], ["committed", "unchanged"])
    for document in said:
        if "error" in document:
            assert "process " in document["error"]["message"]
