"""The controller on the lab's Windows itself: its own powershell.exe, and wsl.exe as the way into WSL.

The same program and the same lab as over WinRM; what differs is one inventory without addresses.
"""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from .conftest import WSLNET, RunningLab, wslnet

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.lab, pytest.mark.timeout(240)]


def local_inventory(lab: RunningLab) -> Path:
    return lab.inventory.with_name("inventory-local.toml")


def here(lab: RunningLab, *arguments: str, timeout_s: float = 90) -> subprocess.CompletedProcess[str]:
    """Runs wslnet inside Windows."""
    argv = [WSLNET, "--inventory", str(local_inventory(lab)), *arguments]
    return lab.run("windows", argv, timeout_s=timeout_s)


def findings(done: subprocess.CompletedProcess[str]) -> dict[tuple[str, str, str], str]:
    return {
        (found["code"], found["machine"], found["title"]): found["status"]
        for found in json.loads(done.stdout)["findings"]
    }


def calls(lab: RunningLab) -> list[dict[str, Any]]:
    report = json.loads(wslnet("lab", "log", "--name", lab.name, "--json").stdout)
    entries: list[dict[str, Any]] = report["calls"]
    return entries


def test_doctor_finds_what_it_finds_over_winrm(story_lab: RunningLab) -> None:
    before = len(calls(story_lab))
    near = here(story_lab, "doctor", "--json")
    entries = calls(story_lab)[before:]
    far = wslnet("--inventory", str(story_lab.inventory), "doctor", "--json")
    assert near.returncode == far.returncode, near.stderr
    assert findings(near) == findings(far)
    assert {entry["configuration"] for entry in entries if entry["kind"] == "psrp"} == {"local"}
    assert "winrs" not in {entry["kind"] for entry in entries}


def test_setup_brings_the_wish_about(story_lab: RunningLab) -> None:
    before = len(calls(story_lab))
    done = here(story_lab, "setup", "--mirrored", "--yes", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert report["result"] == "committed"
    assert all(each["measured"] == each["expected"] for each in report["verify"])
    vm2 = story_lab.status()["machines"]["vm2"]["address"]
    assert story_lab.run("wsl", ["ping", "-n", "-c", "1", "-W", "2", vm2]).returncode == 0
    writes = [
        entry
        for entry in calls(story_lab)[before:]
        if entry["kind"] == "psrp" and not entry["commands"][0]["name"].startswith(("Get-", "Test-"))
    ]
    assert writes
    for entry in writes:
        (command,) = entry["commands"]
        assert command["parameters"]["ErrorAction"]["value"] == "Stop"
    assert here(story_lab, "setup", "--mirrored", "--yes", "--json").returncode == 0


def test_a_stopped_wsl_is_not_started_by_looking(story_lab: RunningLab) -> None:
    stopped = story_lab.run("windows", ["wsl.exe", "--shutdown"])
    assert stopped.returncode == 0
    here(story_lab, "doctor", "--json")
    assert story_lab.status()["machines"]["wsl"]["state"] != "running"
    started = story_lab.run("windows", ["wsl.exe", "-d", "Debian", "-u", "root", "-e", "true"], timeout_s=60)
    assert started.returncode == 0, started.stdout


def test_programs_speak_on_their_clients_streams(story_lab: RunningLab) -> None:
    argv = [WSLNET, "lab", "exec", "--name", story_lab.name, "windows", "--"]
    talk = "import sys; [print(line.strip()[::-1], flush=True) for line in sys.stdin]; sys.exit(7)"
    with subprocess.Popen(
        [*argv, "wsl.exe", "-d", "Debian", "-u", "root", "-e", "python3", "-c", talk],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        for word in ("abc", "xyz"):  # an answer before the next question: nothing waits for the end
            child.stdin.write(f"{word}\n")
            child.stdin.flush()
            assert child.stdout.readline() == f"{word[::-1]}\n"
        child.stdin.close()
        assert child.wait(20) == 7


def test_a_program_in_wsl_ends_with_its_client(story_lab: RunningLab) -> None:
    mark = "4242.25"
    client = ["timeout", "--signal=KILL", "3", "wsl.exe", "-d", "Debian", "-e", "sleep", mark]
    argv = [WSLNET, "lab", "exec", "--name", story_lab.name, "windows", "--", *client]
    with subprocess.Popen(argv) as child:
        assert shown(story_lab, mark, wanted=True)
        assert child.wait(20) != 0
    assert shown(story_lab, mark, wanted=False)
    # What it left must not keep the machine from ending.
    assert story_lab.run("windows", ["wsl.exe", "--shutdown"]).returncode == 0


def shown(lab: RunningLab, mark: str, *, wanted: bool) -> bool:
    """Whether within some seconds the process is (or is no longer) there; told by Linux' own list."""
    look = (
        f"for i in $(seq 50); do pgrep -f '^sleep {mark}' >/dev/null; [ $? = {int(not wanted)} ] && exit 0;"
    )
    return lab.run("wsl", ["sh", "-c", f"{look} sleep 0.1; done; exit 1"]).returncode == 0


def test_powershell_ends_at_a_line_it_does_not_know(story_lab: RunningLab) -> None:
    argv = [WSLNET, "lab", "exec", "--name", story_lab.name, "windows", "--"]
    done = subprocess.run(
        [*argv, "powershell.exe", "-NoProfile", "-s"],
        input=b"\n",
        capture_output=True,
        timeout=20,
        check=False,
    )
    assert (done.returncode, done.stdout) == (4000 & 0xFF, b"")
    assert done.stderr


def test_two_identities_are_told_apart(story_lab: RunningLab) -> None:
    argv = ["env", "WSLNET_LAB_IDENTITY=system", "WSL_UTF8=1", "wsl.exe", "-l", "-v"]
    refused = story_lab.run("windows", argv)
    assert refused.returncode == 255
    assert "WSL_E_LOCAL_SYSTEM_NOT_SUPPORTED" in refused.stdout
