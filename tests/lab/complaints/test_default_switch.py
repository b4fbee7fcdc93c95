"""Causes of wsl-facts 6 between a WSL in NAT mode and a VM on the Default Switch."""

from __future__ import annotations

from typing import Any

import pytest
from tests.lab.asking import run

from . import windows
from .causes import Cause, params
from .drill import drill

pytestmark = [pytest.mark.lab, pytest.mark.timeout(600)]

TOPOLOGY = "nat-default-switch"


@pytest.fixture(scope="module")
def beside_a_vm(story_lab: Any) -> Any:
    code, said = run(story_lab, "setup", "--nat", "--yes")
    assert (code, said["result"]) == (0, "committed"), said
    return story_lab


@pytest.mark.parametrize("cause", params(*windows.ON_THE_DEFAULT_SWITCH))
def test_cause(beside_a_vm: Any, cause: Cause) -> None:
    drill(beside_a_vm, cause)
