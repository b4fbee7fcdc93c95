"""docs/protocols.md names what there is: every verb, fact, cmdlet and method, and none that is gone."""

from __future__ import annotations

import re
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING
from unittest.mock import Mock

from wslnet_lab.utility_vm import UtilityVm
from wslnet_lab.windows_side import WindowsSide
from wslnet_linux_agent import facts as linux_facts
from wslnet_linux_agent import ops as linux_ops
from wslnet_win_agent import facts as windows_facts
from wslnet_win_agent.ops import table as windows_ops

from .win_agent.test_win_calls import CALLS

if TYPE_CHECKING:
    from collections.abc import Iterator

LINES = (Path(__file__).parents[2] / "docs" / "protocols.md").read_text(encoding="utf-8").splitlines()


def table(head: str) -> Iterator[tuple[str, str]]:
    """The table that begins with this line: each name in a first cell, and what stands behind that cell.

    `.remove` and `Set-` take the rest of their names from a neighbour in the cell.
    """
    for row in takewhile(lambda line: line.startswith("|"), LINES[LINES.index(head) + 2 :]):
        first, rest = row.split(" | ", 1)
        told = re.findall(r"`([^`]+)`", first)
        stem, noun = told[0].partition(".")[0], told[-1].partition("-")[2]
        for one in told:
            yield (stem + one if one.startswith(".") else one + noun if one.endswith("-") else one), rest


def names(head: str) -> list[str]:
    return sorted(name for name, _ in table(head))


def test_verbs_and_facts_of_the_linux_agent() -> None:
    assert names("| verb | args | value |") == sorted(linux_ops._VERBS)
    assert names("| name | shape |") == sorted(linux_facts._READERS)


def test_verbs_and_facts_of_the_windows_agent() -> None:
    assert names("| op verb | args |") == sorted({**windows_ops._READS, **windows_ops._WRITES})
    assert names("| facts name | shape |") == sorted(windows_facts.NAMES)


def test_cmdlets_that_the_windows_agent_sends_and_their_parameters() -> None:
    rows = list(table("| cmdlet | parameters |"))
    assert {name for name, _ in rows} == {call.cmdlet for call in CALLS.values()}
    for call in CALLS.values():
        told = " ".join(rest for name, rest in rows if name == call.cmdlet)
        assert [one for one in call.parameters if not re.search(rf"\b{one}\b", told)] == [], call.cmdlet


def test_methods_of_the_control_socket_that_are_windows_own() -> None:
    side = object.__new__(WindowsSide)
    side._wsl = Mock(UtilityVm)
    assert names("| method | params → result |") == sorted(side.methods())
