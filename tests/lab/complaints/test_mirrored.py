"""Causes of wsl-facts 6 in mirrored mode, one after the other in one lab."""

from __future__ import annotations

from typing import Any

import pytest
from tests.lab.asking import run

from . import guest
from . import mirrored as on_windows
from .causes import Cause, params
from .drill import drill

pytestmark = [pytest.mark.lab, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def mirrored(story_lab: Any) -> Any:
    code, said = run(story_lab, "setup", "--mirrored", "--yes")
    assert (code, said["result"]) == (0, "committed"), said
    return story_lab


@pytest.mark.parametrize("cause", params(*guest.IN_MIRRORED, *on_windows.IN_MIRRORED))
def test_cause(mirrored: Any, cause: Cause) -> None:
    drill(mirrored, cause)
