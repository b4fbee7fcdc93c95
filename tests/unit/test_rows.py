"""`scripts/rows`: its own reading of marks, and that the marks in this repository are in order."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "scripts" / "rows.py"


def rows(tests: Path | None = None, *arguments: str) -> subprocess.CompletedProcess[str]:
    script = SCRIPT
    if tests is not None:
        (tests / "scripts").mkdir()
        (tests / "docs").mkdir()
        script = tests / "scripts" / "rows.py"
        script.write_bytes(SCRIPT.read_bytes())
        (tests / "docs" / "rows.toml").write_bytes((ROOT / "docs" / "rows.toml").read_bytes())
    return subprocess.run(
        [sys.executable, str(script), *arguments], capture_output=True, text=True, timeout=60, check=False
    )


def test_the_marks_here_are_in_order() -> None:
    done = rows()
    assert (done.returncode, done.stderr) == (0, "")
    assert "of 108 rows covered" in done.stdout


@pytest.mark.parametrize(
    ("marks", "line"),
    [
        ('"S0-24", "S0-25"', None),
        ('"S0-99"', "names 'S0-99', which is no row"),
        ('"S0-24", "S0-25", "S0-26", "S0-27"', "names 4 rows, 3 at most"),
    ],
)
def test_a_mark_that_is_wrong_is_named(tmp_path: Path, marks: str, line: str | None) -> None:
    (tmp_path / "tests").mkdir()
    text = f"import pytest\n\n@pytest.mark.row({marks})\ndef test_it() -> None:\n    pass\n"
    (tmp_path / "tests" / "test_it.py").write_text(text, encoding="utf-8")
    done = rows(tmp_path, "--area", "linux")
    assert done.returncode == (0 if line is None else 2)
    assert (line or "") in done.stderr
    covered = [text for text in done.stdout.splitlines() if " covered " in text and text.startswith("S")]
    assert bool(covered) == ("S0-24" in marks)


def test_two_marks_on_one_test_count_together(tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    mark = "@pytest.mark.row"
    text = f'{mark}("S0-24", "S0-25")\n{mark}("S0-26", "S0-27")\ndef test_it() -> None:\n    pass\n'
    (tmp_path / "tests" / "test_it.py").write_text(text, encoding="utf-8")
    done = rows(tmp_path)
    assert done.returncode == 2
    assert "test_it names 4 rows" in done.stderr
