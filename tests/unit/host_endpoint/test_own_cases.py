"""Constrained sessions of our own files: what jea-facts say of each, in any clone."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parents[2] / "cases" / "jea" / "own"
ROWS = [json.loads(line) for line in (FOLDER / "cases.jsonl").read_text("utf-8").splitlines()]


@pytest.fixture(scope="module")
def machine(sessions: Callable[[Path], Any]) -> Any:
    return sessions(FOLDER)


@pytest.mark.parametrize("row", ROWS, ids=[row["id"] for row in ROWS])
def test_ends_as_the_facts_say(
    row: dict[str, Any], machine: Any, compare: Callable[[dict[str, Any], dict[str, Any]], list[str]]
) -> None:
    found = machine.outcome(row)
    assert compare(row["outcome"], found) == [], found
