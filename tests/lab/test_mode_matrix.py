"""Every mode to every mode that `setup` knows, on a Windows with an External switch, and back by `undo`.

Each pair is one test of its own and leaves the lab in its first mode. Few run always, all of them in `full`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from .asking import reboot
from .asking import run as run_once
from .canonical.snapshot import differences, take

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = [pytest.mark.lab, pytest.mark.timeout(1200)]

TOPOLOGY = "external-switch"
FROM = ("nat", "mirrored", "bridged", "virtioproxy", "none")
TO = ("mirrored", "nat", "bridged")
ALWAYS = {("bridged", "mirrored"), ("none", "nat")}
CONFIG = "[wsl2]\r\n# by hand\r\nnetworkingMode={mode}\r\n{more}memory=4GB\r\n"
BRIDGED = "vmSwitch=LAN\r\nmacAddress=00:15:5d:13:0c:21\r\n"
ON_THE_LAN = "172.24.21.120"


def run(lab: Any, *arguments: str) -> tuple[int, dict[str, Any]]:
    """A run restarts WSL; on a busy machine that takes its time."""
    return run_once(lab, *arguments, timeout_s=400)


def config(lab: Any) -> Path:
    return Path(lab.root("windows") / "Users" / "owner" / ".wslconfig")


def mode(lab: Any) -> str:
    """As WSL itself says."""
    return str(lab.run("wsl", ["wslinfo", "--networking-mode", "-n"]).stdout)


def start_in(lab: Any, wanted: str) -> None:
    """WSL in a mode as its owner would have brought it there."""
    more = BRIDGED if wanted == "bridged" else ""
    text = CONFIG.format(mode=wanted, more=more)
    if config(lab).read_bytes() != text.encode() or mode(lab) != wanted:
        config(lab).write_bytes(text.encode())
        reboot(lab, "wsl")
    assert mode(lab) == wanted


def pairs() -> list[Any]:
    marks = [
        (before, after, () if (before, after) in ALWAYS else pytest.mark.full)
        for before in FROM
        for after in TO
        if before != after
    ]
    return [pytest.param(before, after, marks=mark, id=f"{before}-{after}") for before, after, mark in marks]


@pytest.mark.row("S1-24", "S3-02")
@pytest.mark.parametrize(("before", "after"), pairs())
def test_from_any_mode_and_back(
    story_lab: Any, before: str, after: str, campaign: Callable[..., None]
) -> None:
    start_in(story_lab, before)
    at_first = take(story_lab)
    code, said = run(story_lab, "setup", f"--{after}", "--yes")
    assert (code, said["result"]) == (0, "committed"), said
    assert mode(story_lab) == after
    text = config(story_lab).read_text(encoding="utf-8")
    assert (f"networkingMode={after}\n" in text, "# by hand" in text, "memory=4GB" in text) == (True,) * 3
    assert ("vmSwitch=LAN" in text, "macAddress" in text) == (after == "bridged", False)
    assert story_lab.pings("lan", ON_THE_LAN) == (after == "bridged")
    code, plan = run(story_lab, "setup", f"--{after}", "--dry-run")
    assert (code, plan["changes"]) == (0, []), plan
    code, said = run(story_lab, "undo", "--yes")
    assert (code, said["result"], said.get("left", [])) == (0, "committed", []), said
    assert mode(story_lab) == before
    assert differences(at_first, take(story_lab)) == []
    campaign("mode-matrix")


@pytest.mark.full
@pytest.mark.row("S1-24")
@pytest.mark.parametrize("edition", ["Core", "Professional"])
def test_bridged_without_a_switch_is_refused_with_the_reason(
    raise_lab_of: Callable[[str], Any], edition: str
) -> None:
    lab = raise_lab_of("bare")
    settings = lab.inventory.parent / "windows.json"
    told = json.loads(settings.read_text(encoding="utf-8"))
    settings.write_text(json.dumps(told | {"edition": edition}), encoding="utf-8")
    reboot(lab, "windows")
    before = config(lab).read_bytes()
    code, said = run(lab, "setup", "--bridged", "--yes")
    assert (code, said["error"]["code"]) == (15, "unsupported"), said
    assert "needs an External Hyper-V switch" in said["error"]["message"]
    assert ("Windows Home (Core)" in said["error"]["message"]) == (edition == "Core")
    assert "--mirrored" in said["error"]["hint"]
    assert config(lab).read_bytes() == before
