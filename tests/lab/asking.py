"""Runs the program as a user does, and gives what a test asks of it: exit code and its one JSON document."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

WSLNET = str(Path(sys.executable).parent / "wslnet")
_TIMEOUT_S, _LAB_TIMEOUT_S = 170, 300


def run(where: Any, *arguments: str, timeout_s: float = _TIMEOUT_S) -> tuple[int, dict[str, Any]]:
    """Runs `wslnet ARGUMENTS --json` with the inventory of a lab, or with `where` itself if it is a path."""
    inventory = where if isinstance(where, Path) else where.inventory
    command = [WSLNET, "--inventory", str(inventory), *arguments, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout_s, check=False)
    assert "Traceback" not in done.stderr, done.stderr
    assert done.stdout, (done.returncode, done.stderr)
    return done.returncode, json.loads(done.stdout)


def lab_command(lab: Any, verb: str, *words: str) -> None:
    """`wslnet lab VERB`, which must end well."""
    command = [WSLNET, "lab", verb, "--name", lab.name, *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=_LAB_TIMEOUT_S, check=False)
    assert done.returncode == 0, done.stderr


def reboot(lab: Any, machine: str, *options: str) -> None:
    """A machine of the lab starts anew; what ran inside stays off."""
    lab_command(lab, "reboot", machine, *options)


def lab_calls(lab: Any) -> list[dict[str, Any]]:
    """Every call that reached the lab's Windows so far (`lab log`)."""
    command = [WSLNET, "lab", "log", "--name", lab.name, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30)
    calls: list[dict[str, Any]] = json.loads(done.stdout)["calls"]
    return calls
