"""Causes of wsl-facts 6 that keep the LAN from a port of a mirrored WSL, one after the other in one lab."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.lab.asking import run

from . import mirrored
from .causes import Cause, params
from .drill import drill

pytestmark = [pytest.mark.lab, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def open_to_the_lan(story_lab: Any) -> Any:
    wished = story_lab.inventory.read_text(encoding="utf-8").replace(
        'mode = "mirrored"\n', 'mode = "mirrored"\nallow = ["tcp/8080@lan"]\n'
    )
    inventory = story_lab.inventory.with_name("open.toml")
    inventory.write_text(wished, encoding="utf-8")
    lab = replace(story_lab, inventory=inventory)
    code, said = run(lab, "setup", "--mirrored", "--allow", "tcp/8080@lan", "--yes")
    assert (code, said["result"]) == (0, "committed"), said
    return lab


@pytest.mark.parametrize("cause", params(*mirrored.TO_THE_LAN))
def test_cause(open_to_the_lan: Any, cause: Cause) -> None:
    drill(open_to_the_lan, cause)
