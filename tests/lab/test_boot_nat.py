"""Forwarding between WSL and a VM on the Default Switch comes back after a boot and a Fast-Startup."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.lab

TOPOLOGY = "nat-default-switch"
WSLNET = str(Path(sys.executable).parent / "wslnet")
HV1 = "172.29.16.10"
WSL = "172.23.102.37"
BACK_WITHIN_S = 60.0


def wslnet(lab: Any, *arguments: str) -> dict[str, Any]:
    command = [WSLNET, "--inventory", str(lab.inventory), *arguments, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=170, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def reboot(lab: Any, *what: str) -> None:
    command = [WSLNET, "lab", "reboot", "--name", lab.name, *what]
    subprocess.run(command, capture_output=True, timeout=120, check=True)


def connected(lab: Any) -> bool:
    return bool(lab.pings("wsl", HV1) and lab.pings("hv1", WSL))


def until_connected(lab: Any) -> None:
    deadline = time.monotonic() + BACK_WITHIN_S
    while not connected(lab):
        assert time.monotonic() < deadline, (lab.inventory.parent / "log" / "tasks.log").read_text("utf-8")
        time.sleep(0.5)


def test_the_tasks_are_told_which_switches_forward(story_lab: Any) -> None:
    assert not connected(story_lab)
    wslnet(story_lab, "setup", "--nat", "--yes")
    assert connected(story_lab)
    wslnet(story_lab, "boot", "install", "--yes")
    told = [words for words in wslnet(story_lab, "boot", "status")["puts_back"] if "forwarding" in words]
    assert told == [
        "forwarding on vEthernet (Default Switch)",
        "forwarding on vEthernet (WSL (Hyper-V firewall))",
    ]


@pytest.mark.parametrize("how", [(), ("--fast-startup",)], ids=["reboot", "fast-startup"])
def test_cut_until_the_tasks_ran_then_back(how: tuple[str, ...], story_lab: Any) -> None:
    reboot(story_lab, "windows", *how)
    assert not connected(story_lab)
    until_connected(story_lab)
