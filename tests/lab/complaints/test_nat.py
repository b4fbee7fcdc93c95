"""Causes of wsl-facts 6 in NAT mode, one after the other in one lab."""

from __future__ import annotations

from typing import Any

import pytest
from tests.lab.asking import run

from . import guest, windows
from .causes import Cause, params
from .drill import drill

pytestmark = [pytest.mark.lab, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def nat(story_lab: Any) -> Any:
    code, said = run(story_lab, "setup", "--nat", "--yes")
    assert (code, said["result"]) == (0, "committed"), said
    return story_lab


@pytest.mark.parametrize("cause", params(*guest.IN_NAT, *windows.IN_NAT))
def test_cause(nat: Any, cause: Cause) -> None:
    drill(nat, cause)
