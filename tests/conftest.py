"""Shards of a full run, and the counts that campaigns print at its end.

`--shard I/N` runs the I-th of N parts, always the same ones: a file stays whole, since its tests may tell
one story, unless it says `SPLITS = True`: its tests are then independent and are dealt one by one.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

_COUNTS = pytest.StashKey[dict[str, Counter[str]]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--shard", type=_shard, metavar="I/N", help="run the I-th of N parts of the tests")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_COUNTS] = {}


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Last of all, when `-m` and `-k` have chosen: the parts of the same choice make up the whole."""
    shard: tuple[int, int] | None = config.getoption("--shard")
    if shard is None:
        return
    number, parts = shard
    names = sorted({_dealt(item) for item in items})
    mine = {name for position, name in enumerate(names) if position % parts == number - 1}
    config.hook.pytest_deselected(items=[item for item in items if _dealt(item) not in mine])
    items[:] = [item for item in items if _dealt(item) in mine]


def _dealt(item: pytest.Item) -> str:
    module = item.getparent(pytest.Module)
    splits = module is not None and getattr(module.obj, "SPLITS", False)
    return item.nodeid if splits else item.nodeid.partition("::")[0]


def _shard(text: str) -> tuple[int, int]:
    number, slash, parts = text.partition("/")
    if not (slash and number.isdecimal() and parts.isdecimal() and 1 <= int(number) <= int(parts)):
        raise pytest.UsageError(f"--shard {text}: I/N with 1 <= I <= N")
    return int(number), int(parts)


@pytest.fixture
def campaign(request: pytest.FixtureRequest) -> Callable[..., None]:
    """Counts for the summary: `campaign("kill-setup")` once a point that held, `campaign(name, 20, "old")`.

    A test that fails says so itself; what it had counted before stays counted.
    """
    counts = request.config.stash[_COUNTS]

    def count(name: str, number: int = 1, what: str = "passed") -> None:
        counts.setdefault(name, Counter())[what] += number

    return count


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    counts = config.stash[_COUNTS]
    if counts:
        terminalreporter.section("campaigns")
    for name, found in sorted(counts.items()):
        told = ", ".join(f"{number} {what}" for what, number in found.items())
        terminalreporter.write_line(f"campaign {name}: {told}")
