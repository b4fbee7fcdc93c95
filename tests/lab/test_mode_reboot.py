"""A mode that cannot be had within this boot of Windows: exit 14, and `resume` does the rest after it."""

from __future__ import annotations

from typing import Any

import pytest

from .asking import lab_command, reboot
from .asking import run as run_once
from .canonical.snapshot import differences, take

pytestmark = [pytest.mark.lab, pytest.mark.full, pytest.mark.timeout(1500)]

TOPOLOGY = "external-switch"


def run(lab: Any, *arguments: str) -> tuple[int, dict[str, Any]]:
    return run_once(lab, *arguments, timeout_s=400)


def mode(lab: Any) -> str:
    return str(lab.run("wsl", ["wslinfo", "--networking-mode", "-n"], timeout_s=60).stdout)


def start_in(lab: Any, wanted: str) -> bytes:
    """WSL in a mode as its owner would have brought it there, in a fresh boot; gives its `.wslconfig`."""
    config = lab.root("windows") / "Users" / "owner" / ".wslconfig"
    more = "vmSwitch=LAN\r\n" if wanted == "bridged" else ""
    config.write_bytes(f"[wsl2]\r\n# by hand\r\nnetworkingMode={wanted}\r\n{more}".encode())
    # What an earlier NAT start has made would be lost by the reboot that is to come.
    reboot(lab, "windows")
    reboot(lab, "wsl")
    assert mode(lab) == wanted
    return bytes(config.read_bytes())


@pytest.mark.row("S3-02")
@pytest.mark.parametrize("before", ["nat", "bridged", "virtioproxy", "none"])
def test_setup_waits_for_a_reboot_and_resume_ends_it(story_lab: Any, before: str) -> None:
    config = story_lab.root("windows") / "Users" / "owner" / ".wslconfig"
    lab_command(story_lab, "break", "--clear")
    content = start_in(story_lab, before)
    at_first = take(story_lab)
    lab_command(story_lab, "break", "--clear", "hns-keeps-steering")
    code, said = run(story_lab, "setup", "--mirrored", "--yes")
    assert (code, said["result"]) == (14, "pending"), said
    assert "reboot Windows, then wslnet resume" in said["reason"]
    assert mode(story_lab) == "nat"
    code, said = run(story_lab, "setup", "--nat", "--yes")
    assert (code, said["error"]["code"]) == (1, "plan-refused"), said
    code, said = run(story_lab, "resume")
    assert (code, said["result"]) == (14, "pending"), said
    reboot(story_lab, "windows")
    code, said = run(story_lab, "resume")
    assert (code, said["result"]) == (0, "committed"), said
    assert mode(story_lab) == "mirrored"
    lab_command(story_lab, "break", "--clear")
    code, said = run(story_lab, "undo", "--yes")
    assert (code, said["result"]) == (0, "committed"), said
    assert (config.read_bytes(), mode(story_lab)) == (content, before)
    assert differences(at_first, take(story_lab)) == []
