"""After a start of Windows everything comes back with no command given: the two tasks, seen from outside."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from .asking import WSLNET, lab_calls, reboot
from .asking import run as ask
from .servers import greeting, heard
from .write_rules import assert_alone_with_stop_and_key, writes

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.lab

HOST = "172.24.21.109"
VM2 = "192.168.124.91"
PROGRAM_FOLDER = "C:\\Program Files\\wslnet"
BACK_WITHIN_S = 40.0


def run(*arguments: str) -> str:
    done = subprocess.run([WSLNET, *arguments], capture_output=True, text=True, timeout=170, check=False)
    assert "Traceback" not in done.stderr, done.stderr
    return done.stdout


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + BACK_WITHIN_S
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.5)


def state(lab: Any) -> dict[str, dict[str, Any]]:
    return {task["name"]: task for task in ask(lab, "boot", "status")[1]["tasks"]}


def both_are_settled(lab: Any) -> bool:
    tasks = state(lab)
    ended = tasks["network"]["state"] == "Ready" and tasks["network"]["last_result"] == 0
    return ended and tasks["wsl"]["state"] == "Running"


def folder(lab: Any, *below: str) -> Path:
    return Path(lab.root("windows")).joinpath(*below)


def log(lab: Any, identity: str) -> list[dict[str, Any]]:
    calls = json.loads(run("lab", "log", "--name", lab.name, "--json"))["calls"]
    return [call for call in calls if call["identity"] == identity]


def local_commands(lab: Any, identity: str) -> set[str]:
    """The commands that somebody on Windows itself gave."""
    calls = [call for call in log(lab, identity) if call["configuration"] == "local"]
    return {command["name"] for call in calls for command in call.get("commands") or ()}


def test_before_install_it_says_so(story_lab: Any) -> None:
    code, said = ask(story_lab, "boot", "status")
    assert (code, said["installed"], said["puts_back"], said["problems"]) == (0, False, [], [])
    assert "boot install" in run("--inventory", str(story_lab.inventory), "boot", "status")


@pytest.mark.row("S3-18")
def test_a_program_that_users_could_change_is_refused(story_lab: Any) -> None:
    grant = ["icacls.exe", PROGRAM_FOLDER, "/grant", "*S-1-5-32-545:(OI)(CI)M"]
    assert story_lab.run("windows", grant).returncode == 0
    code, said = ask(story_lab, "boot", "install", "--yes")
    assert (code, said["error"]["code"]) == (15, "unsupported")
    assert "BU" in said["error"]["message"]
    assert not folder(story_lab, "ProgramData", "wslnet").exists()
    assert not state(story_lab)["network"]["installed"]
    take = ["icacls.exe", PROGRAM_FOLDER, "/remove", "*S-1-5-32-545"]
    assert story_lab.run("windows", take).returncode == 0


@pytest.mark.timeout(300)
def test_install_registers_both_and_changes_nothing_the_second_time(story_lab: Any) -> None:
    code, said = ask(story_lab, "setup", "--mirrored", "--allow", "tcp/8080@lan", "--yes")
    assert (code, said["result"]) == (0, "committed"), said
    assert ask(story_lab, "boot", "install", "--dry-run")[0] == 10
    code, said = ask(story_lab, "boot", "install", "--yes")
    assert (code, said["result"]) == (0, "committed"), said
    assert {one["outcome"] for one in said["changes"]} == {"done"}
    assert [one["machine"] for one in said["changes"]].count("windows") == 3
    code, said = ask(story_lab, "boot", "install", "--yes")
    assert (code, said["result"]) == (0, "unchanged"), said
    _, said = ask(story_lab, "boot", "status")
    assert said["problems"] == []
    assert "firewall rule for tcp/8080@lan" in said["puts_back"]
    content = folder(story_lab, "ProgramData", "wslnet", "boot.json").read_text("utf-8")
    assert (story_lab.inventory.parent / "password").read_text("utf-8").strip() not in content


def test_after_a_reboot_all_is_back_with_no_command_given(story_lab: Any) -> None:
    settings = story_lab.inventory.parent / "windows.json"
    without_right = json.loads(settings.read_text("utf-8")) | {"batch_logon": False}
    settings.write_text(json.dumps(without_right), "utf-8")
    reboot(story_lab, "windows")
    until(lambda: bool(story_lab.pings("wsl", VM2)))
    with greeting(story_lab, "wsl", "0.0.0.0", 8080, "from wsl"):
        until(lambda: heard(story_lab, "lan", HOST, 8080) == "from wsl")
    assert heard(story_lab, "lan", HOST, 22) is None
    until(lambda: both_are_settled(story_lab))


def test_system_never_ran_wsl_and_the_owner_never_changed_the_network(story_lab: Any) -> None:
    assert not any(call["kind"] == "wsl" for call in log(story_lab, "SYSTEM"))
    assert "Get-NetIPInterface" in local_commands(story_lab, "SYSTEM")
    owners = local_commands(story_lab, "owner")
    writes = {name for name in owners if name.partition("-")[0] not in {"Get", "Test", "Export"}}
    assert writes == {"Start-ScheduledTask"}


def test_when_wsl_was_restarted_its_half_comes_back_too(story_lab: Any) -> None:
    reboot(story_lab, "wsl")
    until(lambda: bool(story_lab.pings("wsl", VM2)))


def test_remove_leaves_no_task_no_file_and_nobody_who_holds(story_lab: Any) -> None:
    code, said = ask(story_lab, "boot", "remove", "--yes")
    assert (code, said["result"]) == (0, "committed"), said
    assert not folder(story_lab, "ProgramData", "wslnet").exists()
    assert not any(task["installed"] for task in state(story_lab).values())
    assert json.loads((story_lab.inventory.parent / "windows" / "tasks.json").read_text("utf-8")) == {}
    held = story_lab.run("windows", ["sh", "-c", "cat /proc/[0-9]*/cmdline | tr '\\0' ' '"]).stdout
    assert "boot run" not in held
    code, said = ask(story_lab, "boot", "remove", "--yes")
    assert (code, said["result"]) == (0, "unchanged")


def test_before_logon_without_the_right_to_it_is_taken_back(story_lab: Any) -> None:
    code, said = ask(story_lab, "boot", "install", "--before-logon", "--yes")
    assert (code, said["result"]) == (12, "rolled-back")
    assert "Log on as a batch job" in said["reason"]
    assert not any(task["installed"] for task in state(story_lab).values())
    assert not folder(story_lab, "ProgramData", "wslnet").exists()


def test_every_write_of_this_story_stood_alone(story_lab: Any) -> None:
    calls = lab_calls(story_lab)
    assert {"Register-ScheduledTask", "Unregister-ScheduledTask", "Set-Content"} <= {
        one["name"] for call in writes(calls) for one in call["commands"]
    }
    assert_alone_with_stop_and_key(calls)
