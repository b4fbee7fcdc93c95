"""A setup that fails behind the WSL restart is taken back: same file, same mode, no rule, VMs running."""

from __future__ import annotations

import json
from typing import Any

import pytest

from .asking import run

pytestmark = pytest.mark.lab


def rules(lab: Any) -> list[str]:
    """Names of our Hyper-V rules, as the next plan would see them."""
    _, plan = run(lab, "setup", "--mirrored", "--allow", "tcp/8080@lan", "--dry-run")
    return [
        one["resource"] for one in plan["changes"] if one["machine"] == "windows" and one["action"] == "add"
    ]


def test_a_pair_that_does_not_connect_after_the_restart_rolls_everything_back(seed_lab: Any) -> None:
    # What a user's own boot command may do: from the next start on, WSL answers no ping.
    conf = seed_lab.root("wsl") / "etc" / "wsl.conf"
    conf.write_text("[boot]\ncommand = iptables -I INPUT -p icmp -j DROP\n", encoding="ascii")
    config = seed_lab.root("windows") / "Users" / "owner" / ".wslconfig"
    before = config.read_bytes()

    code, said = run(seed_lab, "setup", "--mirrored", "--allow", "tcp/8080@lan", "--yes")

    assert (code, said["result"]) == (12, "rolled-back"), said
    assert "vm1 -> wsl icmp" in said["reason"]
    assert said["left"] == []
    assert {one["outcome"] for one in said["changes"]} <= {"undone", "done"}
    assert config.read_bytes() == before
    assert rules(seed_lab) == ["hyperv-rule wslnet-allow-tcp-8080"]
    machines = seed_lab.status()["machines"]
    assert [machines[name]["state"] for name in ("wsl", "vm1", "vm2")] == ["running"] * 3
    mode = seed_lab.run("wsl", ["wslinfo", "--networking-mode", "-n"]).stdout
    assert mode == "nat"
    forward = seed_lab.outside("vm1", ["iptables-save"]).stdout
    assert "wslnet:" not in forward
    assert "192.168.124.0/24" not in seed_lab.outside("wsl", ["ip", "route"]).stdout
    (journal,) = (seed_lab.inventory.parent / "controller" / "journal").glob("*.jsonl")
    kinds = [json.loads(line)["kind"] for line in journal.read_text(encoding="utf-8").splitlines()]
    assert kinds[0] == "open"
    assert kinds[-1] == "rolled-back"
    assert "failed" in kinds
