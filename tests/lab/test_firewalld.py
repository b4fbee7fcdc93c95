"""A real firewalld in vm1: read, passed, left as it was; what it forgets at its reload is found again."""

from __future__ import annotations

import os
import shutil
import time
from typing import TYPE_CHECKING

import pytest

from .asking import run
from .conftest import RunningLab, labs

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [
    pytest.mark.lab,
    pytest.mark.full,
    pytest.mark.timeout(240),
    pytest.mark.skipif(shutil.which("firewalld", path="/usr/sbin") is None, reason="needs firewalld"),
]

VM2 = "192.168.124.91"
RULES = ["nft", "-s", "list", "ruleset"]


@pytest.fixture(scope="module")
def lab() -> Iterator[RunningLab]:
    with labs() as up:
        found = up(f"t{os.getpid()}-firewalld", "vm1-firewalld")
        until = time.monotonic() + 60
        while found.run("vm1", ["firewall-cmd", "--state"]).stdout.strip() != "running":
            assert time.monotonic() < until, "firewalld does not start"
        yield found


def blocked(lab: RunningLab) -> list[str]:
    """The evidence of what keeps vm2 from the machines above, empty if nothing does."""
    _, said = run(lab, "doctor", "--only", "nested.reject")
    return [line for one in said["findings"] if one["status"] == "fail" for line in one["evidence"]]


@pytest.mark.row("S0-22", "S0-40")
def test_its_reject_is_named_passed_and_nothing_else_is_touched(lab: RunningLab) -> None:
    before = lab.run("vm1", RULES).stdout
    assert "table inet firewalld" in before
    assert not lab.pings("wsl", VM2)
    assert any("inet firewalld filter_FWD_public" in line for line in blocked(lab))
    code, said = run(lab, "vm", "reach", "vm2", "--yes")
    assert (code, said["result"]) == (0, "committed"), said
    assert lab.pings("wsl", VM2)
    changed = lab.run("vm1", RULES).stdout
    assert [line for line in changed.splitlines() if "wslnet:" not in line] == before.splitlines()
    assert run(lab, "undo", "--yes")[0] == 0
    assert lab.run("vm1", RULES).stdout == before


def test_what_a_reload_forgets_is_found_and_put_back(lab: RunningLab) -> None:
    assert run(lab, "vm", "reach", "vm2", "--yes")[0] == 0
    assert blocked(lab) == []
    assert lab.run("vm1", ["firewall-cmd", "--reload"]).stdout.strip() == "success"
    (line, *_) = blocked(lab)
    assert "inet firewalld" in line
    code, said = run(lab, "vm", "reach", "vm2", "--yes")
    assert (code, said["result"]) == (0, "committed"), said
    assert {one["resource"].partition(" in ")[2] for one in said["changes"]} == {
        "inet firewalld filter_FORWARD"
    }
    assert lab.pings("wsl", VM2)


def test_its_own_policy_is_as_good_as_our_rule(lab: RunningLab) -> None:
    rule = 'rule family="ipv4" source address="{}" destination address="{}" accept'
    inner, outer = "192.168.124.0/24", "192.168.122.0/24"
    commands = [
        ["--new-policy=lab"],
        ["--policy=lab", "--add-ingress-zone=ANY"],
        ["--policy=lab", "--add-egress-zone=ANY"],
        ["--policy=lab", f"--add-rich-rule={rule.format(outer, inner)}"],
        ["--policy=lab", f"--add-rich-rule={rule.format(inner, outer)}"],
    ]
    for command in commands:
        assert lab.run("vm1", ["firewall-cmd", "--permanent", *command]).stdout.strip() == "success"
    assert lab.run("vm1", ["firewall-cmd", "--reload"]).stdout.strip() == "success"
    assert blocked(lab) == []
    assert run(lab, "vm", "reach", "vm2", "--dry-run")[0] == 0
    assert lab.pings("wsl", VM2)
