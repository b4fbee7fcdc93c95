"""Row 37 of wsl-facts 6: WSL stops in the background, and stays once `doctor --fix` has said so.

A story of its own: it takes as long as WSL's idle clocks do.
"""

from __future__ import annotations

import time
from typing import Any

import pytest
from tests.lab.asking import run
from tests.lab.conftest import wslnet

from .causes import connects, soon

pytestmark = [pytest.mark.lab, pytest.mark.full, pytest.mark.timeout(600)]

_ENDS_WITHIN_S = 150
_IDLE_S = 20

greets = connects("windows", "127.0.0.1", 22, "SSH-2.0")
"""Packets: Windows reaches WSL's sshd by the relay on its 127.0.0.1."""


def test_wsl_stays_once_it_is_told_to(story_lab: Any) -> None:
    assert soon(lambda: greets(story_lab))
    assert wslnet("lab", "break", "--name", story_lab.name, "user-terminal-closed").returncode == 0
    assert soon(lambda: not story_lab.control("wsl_state")["running"], within_s=_ENDS_WITHIN_S)
    assert not greets(story_lab)
    _, told = run(story_lab, "doctor", "--only", "wsl.running")
    (found,) = told["findings"]
    assert (found["status"], found["title"]) == ("fail", "WSL is stopped")

    code, done = run(story_lab, "doctor", "--only", "wsl.running", "--fix", "--yes")
    assert (code, done["result"]) == (0, "committed"), done
    settings = story_lab.root("windows") / "Users" / "owner" / ".wslconfig"
    assert "instanceIdleTimeout=-1" in settings.read_text(encoding="utf-8")
    assert soon(lambda: greets(story_lab)), "it was started, too"
    time.sleep(_IDLE_S)
    assert greets(story_lab), "longer than a distro may be idle, and its sshd still answers"
    _, told = run(story_lab, "doctor", "--only", "wsl.running")
    assert [one["status"] for one in told["findings"]] == ["ok"]
