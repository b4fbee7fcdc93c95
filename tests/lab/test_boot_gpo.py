"""The other back end of a start: a script of the local Group Policy, which the lab's Windows runs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from wslnet_win_agent.boot.startup_script import SCRIPTS_FILE, VERSION_FILE, StartupScript, scripts_in

from .asking import run
from .test_boot import both_are_settled, reboot, state, until

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.lab, pytest.mark.timeout(300), pytest.mark.row("S3-16")]

THEIRS = "0CmdLine=C:\\corp\\inventory.cmd\n0Parameters=-q\n"
OURS = "C:\\Windows\\System32\\schtasks.exe /run /tn \\wslnet\\network"


def place(lab: Any, path: str) -> Path:
    found: Path = lab.root("windows").joinpath(*path.split("\\")[1:])
    return found


def ran(lab: Any) -> list[str]:
    """The start-up scripts that Windows has run so far."""
    log = lab.inventory.parent / "log" / "startup-scripts.log"
    return log.read_text("utf-8").splitlines() if log.exists() else []


def at_start(lab: Any) -> bool:
    return any(words.startswith("at boot") for words in state(lab)["network"]["next"])


def test_windows_starts_the_half_by_the_script(story_lab: Any) -> None:
    assert run(story_lab, "setup", "--mirrored", "--yes")[1]["result"] == "committed"
    theirs = place(story_lab, SCRIPTS_FILE)
    theirs.parent.mkdir(parents=True)
    theirs.write_bytes(f"[Startup]\n{THEIRS}".encode())
    code, said = run(story_lab, "boot", "install", "--backend", "gpo", "--yes")
    assert (code, said["result"]) == (0, "committed"), said
    assert run(story_lab, "boot", "install", "--backend", "gpo", "--yes")[1]["result"] == "unchanged"
    assert run(story_lab, "boot", "status")[1]["problems"] == []
    assert theirs.read_bytes().startswith(f"[Startup]\n{THEIRS}".encode())
    assert at_start(story_lab)

    reboot(story_lab, "windows")
    assert ran(story_lab) == ["C:\\corp\\inventory.cmd -q", OURS]
    until(lambda: story_lab.pings("wsl", "192.168.124.91") and both_are_settled(story_lab))


def test_back_to_the_tasks_own_trigger_only_ours_goes(story_lab: Any) -> None:
    before = place(story_lab, VERSION_FILE).read_bytes()
    code, said = run(story_lab, "boot", "install", "--yes")
    assert (code, said["result"]) == (0, "committed"), said
    assert scripts_in(place(story_lab, SCRIPTS_FILE).read_bytes()) == (
        StartupScript("C:\\corp\\inventory.cmd", "-q"),
    )
    assert place(story_lab, VERSION_FILE).read_bytes() == before.replace(b"Version=1", b"Version=2")
    assert at_start(story_lab)
    assert run(story_lab, "boot", "remove", "--yes")[1]["result"] == "committed"


def test_on_a_home_it_is_refused(story_lab: Any) -> None:
    settings = story_lab.inventory.parent / "windows.json"
    home = json.loads(settings.read_text("utf-8")) | {"edition": "CoreSingleLanguage"}
    settings.write_text(json.dumps(home), "utf-8")
    reboot(story_lab, "windows")
    code, said = run(story_lab, "boot", "install", "--backend", "gpo", "--yes")

    assert (code, said["error"]["code"]) == (15, "unsupported"), said
    assert "CoreSingleLanguage" in said["error"]["message"]
