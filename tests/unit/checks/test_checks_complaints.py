"""docs/complaints.md against the checks that there are and the causes that are drilled."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.lab.complaints import guest, mirrored, windows
from tests.lab.complaints.causes import Cause

from wslnet.checks import discover

_HEAD = ["failure", "check", "what is done", "proven", "remarks"]
PAGE = Path(__file__).parents[3] / "docs" / "complaints.md"
LINES = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE.read_text(encoding="utf-8").splitlines()
    if line.startswith("|")
]
ROWS = {int(cells[0]): cells[1:] for cells in LINES if cells[0].isdigit()}
FAILURES = {cells[0]: cells[1:] for cells in LINES[LINES.index(_HEAD) + 2 :]}
CODES = {row: re.findall(r"`([^`]+)`", cells[0]) for row, cells in ROWS.items()}
DRILLED = [
    cause
    for module in (guest, mirrored, windows)
    for value in vars(module).values()
    if isinstance(value, tuple)
    for cause in value
    if isinstance(cause, Cause)
]


def test_every_row_of_the_table_is_there_once() -> None:
    assert list(ROWS) == list(range(1, 48))
    assert {cells[1] for cells in ROWS.values()} == {"mended", "told", "no check"}
    assert {row for row, cells in ROWS.items() if cells[1] == "no check"} == {
        row for row, codes in CODES.items() if not codes
    }


def test_no_code_is_dead() -> None:
    known = {check.code for check in discover()}
    assert {code for codes in CODES.values() for code in codes} <= known


def test_what_is_said_of_a_failure_at_start_is_so() -> None:
    known = {check.code for check in discover()}
    for failure, (checks, done, proven, remarks) in FAILURES.items():
        codes = re.findall(r"`([^`]+)`", checks)
        assert codes, failure
        assert set(codes) <= known, failure
        assert done in {"mended", "told"}, failure
        # Nothing is said to be mended that was not seen to be.
        assert proven in ({"drilled"} if done == "mended" else {"story", "no"}), failure
        row = re.fullmatch(r"row (\d+)", remarks)
        drilled = {one.named[0] for one in DRILLED if one.row == (int(row[1]) if row else 0)}
        assert done == "told" or drilled & set(codes), failure


def test_rows_marked_as_drilled_are_those_that_are() -> None:
    marked = {row for row, cells in ROWS.items() if cells[2] == "yes"}
    assert marked == {cause.row for cause in DRILLED if cause.row}, (
        "correct the column `drilled` of docs/complaints.md"
    )


@pytest.mark.parametrize("cause", [pytest.param(one, id=one.name) for one in DRILLED if one.row])
def test_a_drill_is_as_its_row_says(cause: Cause) -> None:
    assert cause.named[0] in CODES[cause.row]
    done, _, remarks = ROWS[cause.row][1:]
    # One of several causes of a row that is mended may be somebody else's: the remarks then say so.
    told = done == "told" or "is told" in remarks
    assert done == "mended" if cause.by_hand is None else told
