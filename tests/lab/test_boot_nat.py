"""Forwarding between WSL and a VM on the Default Switch comes back after a boot and a Fast-Startup."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from .asking import WSLNET, reboot

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.lab

TOPOLOGY = "nat-default-switch"
HV1 = "172.29.16.10"
WSL, MOVED = "172.23.102.37", "172.23.99.9"
BACK_WITHIN_S = 60.0
WAYS: list[tuple[str, ...]] = [(), ("--fast-startup",)]


def wslnet(lab: Any, *arguments: str) -> dict[str, Any]:
    command = [WSLNET, "--inventory", str(lab.inventory), *arguments, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=170, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def told(lab: Any) -> str:
    """What the tasks said."""
    log = Path(lab.inventory.parent / "log" / "tasks.log")
    return log.read_text("utf-8") if log.exists() else ""


def connected(lab: Any, address: str = WSL) -> bool:
    return bool(lab.pings("wsl", HV1) and lab.pings("hv1", address))


def until_connected(lab: Any, address: str = WSL) -> None:
    until(lambda: connected(lab, address), lab)


def until(true: Callable[[], bool], lab: Any) -> None:
    deadline = time.monotonic() + BACK_WITHIN_S
    while not true():
        assert time.monotonic() < deadline, told(lab)
        time.sleep(0.5)


def test_the_tasks_are_told_which_switches_forward(story_lab: Any) -> None:
    assert not connected(story_lab)
    wslnet(story_lab, "setup", "--nat", "--yes")
    assert connected(story_lab)
    wslnet(story_lab, "boot", "install", "--yes")
    switches = [words for words in wslnet(story_lab, "boot", "status")["puts_back"] if "forwarding" in words]
    assert switches == [
        "forwarding on vEthernet (Default Switch)",
        "forwarding on vEthernet (WSL (Hyper-V firewall))",
    ]


@pytest.mark.row("S3-15")
@pytest.mark.parametrize("how", WAYS, ids=["reboot", "fast-startup"])
def test_cut_until_the_tasks_ran_then_back(how: tuple[str, ...], story_lab: Any) -> None:
    before = told(story_lab).count("WSL half:")
    reboot(story_lab, "windows", *how)
    assert not connected(story_lab)
    until_connected(story_lab)
    until(lambda: told(story_lab).count("WSL half:") > before, story_lab)


def test_the_same_when_wsl_gets_another_address(story_lab: Any) -> None:
    registry = story_lab.inventory.parent / "windows" / "registry.json"
    text = registry.read_text("utf-8")
    assert WSL in text
    registry.write_text(text.replace(WSL, MOVED), "utf-8")
    reboot(story_lab, "windows")
    until_connected(story_lab, MOVED)
    assert not story_lab.pings("hv1", WSL)
