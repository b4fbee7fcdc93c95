"""A mirrored card that has lost its address, or lies down: told by doctor, mended when asked, and watched."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from .asking import run

if TYPE_CHECKING:
    from collections.abc import Callable

    from .conftest import RunningLab

pytestmark = [pytest.mark.lab, pytest.mark.full, pytest.mark.timeout(600)]

LAN = "172.24.21.109"
BACK_WITHIN_S = 30
"""Seconds, on a machine that is busy with others' campaigns."""

MEND = ("doctor", "--only", "mirror.links")


def card_with(lab: RunningLab, address: str) -> str | None:
    shown = json.loads(lab.outside("wsl", ["ip", "-4", "-j", "address", "show"]).stdout)
    links = (one["ifname"] for one in shown for each in one["addr_info"] if each.get("local") == address)
    return next(links, None)


def is_soon(true: Callable[[], bool]) -> bool:
    until = time.monotonic() + BACK_WITHIN_S
    while not true() and time.monotonic() < until:
        time.sleep(0.2)
    return true()


def finding(lab: RunningLab) -> dict[str, Any]:
    _, said = run(lab, *MEND)
    (found,) = said["findings"]
    return dict(found)


@pytest.mark.row("S0-13")
def test_what_a_mirrored_card_lost_is_given_back_and_watched(story_lab: RunningLab) -> None:
    code, said = run(story_lab, "setup", "--mirrored", "--yes")
    assert code == 0, said
    code, said = run(story_lab, "boot", "install", "--yes")
    assert code == 0, said
    card = card_with(story_lab, LAN)
    assert card is not None
    assert finding(story_lab)["status"] == "ok"

    story_lab.outside("wsl", ["ip", "address", "del", f"{LAN}/24", "dev", card])
    found = finding(story_lab)
    assert found["status"] == "fail", found
    assert found["fix"]["command"] == "wslnet doctor --only mirror.links --fix"
    assert card_with(story_lab, LAN) is None, "reading mends nothing"
    code, said = run(story_lab, *MEND, "--fix", "--yes")
    assert (code, said["result"]) == (0, "committed"), said
    assert card_with(story_lab, LAN) == card
    assert finding(story_lab)["status"] == "ok"

    # WSL undoes such things at random: what was asked for once is watched.
    story_lab.outside("wsl", ["ip", "address", "del", f"{LAN}/24", "dev", card])
    assert is_soon(lambda: card_with(story_lab, LAN) == card)
    assert run(story_lab, "undo", "--yes")[0] == 0
    assert card_with(story_lab, LAN) is None
