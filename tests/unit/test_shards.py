"""Shards of a run: together all tests, each once; a story stays whole, a campaign is dealt test by test."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

CONFTEST = Path(__file__).parent.parent / "conftest.py"
STORY = "def test_one(): assert 1\ndef test_two(): assert 1\n"
CAMPAIGN = (
    "import pytest\nSPLITS = True\n"
    "@pytest.mark.parametrize('point', range(7))\n"
    "def test_point(point, campaign):\n    campaign('kills')\n    campaign('kills', 2, 'old')\n"
)


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., list[str]]:
    (tmp_path / "conftest.py").write_bytes(CONFTEST.read_bytes())
    for name in ("a", "b", "c"):
        (tmp_path / f"test_{name}.py").write_text(STORY, encoding="utf-8")
    (tmp_path / "test_kills.py").write_text(CAMPAIGN, encoding="utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")

    def pytest_in_it(*arguments: str) -> list[str]:
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
        return (done.stdout + done.stderr).splitlines()

    return pytest_in_it


def test_shards_are_disjoint_and_make_up_the_whole(run: Callable[..., list[str]]) -> None:
    def collected(*arguments: str) -> list[str]:
        return [line for line in run("--collect-only", "-q", *arguments) if "::" in line]

    shards = [collected("--shard", f"{number}/3") for number in (1, 2, 3)]
    assert sorted(name for shard in shards for name in shard) == sorted(collected())
    assert shards == [collected("--shard", f"{number}/3") for number in (1, 2, 3)]
    for story in ("test_a.py", "test_b.py", "test_c.py"):
        assert [sum(story in name for name in shard) for shard in shards].count(2) == 1
    assert min(sum("test_point" in name for name in shard) for shard in shards) >= 2


def test_a_shard_that_cannot_be_is_refused(run: Callable[..., list[str]]) -> None:
    for wrong in ("0/3", "4/3", "3", "a/b"):
        assert f"ERROR: --shard {wrong}: I/N with 1 <= I <= N" in run("--shard", wrong)


def test_a_campaign_prints_its_counts(run: Callable[..., list[str]]) -> None:
    assert "campaign kills: 7 passed, 14 old" in run("-q")
    assert "campaign kills: 3 passed, 6 old" in run("-q", "-k", "point and (1 or 2 or 3)")
