"""Long lines on a terminal: broken between words, indented; whole wherever a program may read them."""

from __future__ import annotations

import pytest

from wslnet.cli.output import fitted

LONG = "       cause: " + "the subnet lies behind another machine, and nobody has told wsl which one " * 2


def test_nothing_is_broken_for_programs_or_when_it_fits() -> None:
    assert fitted(LONG, None) == LONG
    assert fitted("  a   b", 80) == "  a   b"


@pytest.mark.parametrize("width", [40, 79])
def test_words_stay_whole_and_what_follows_is_indented(width: int) -> None:
    first, *rest = fitted(LONG, width).split("\n")
    assert first.startswith("       cause: the subnet")
    assert rest
    assert all(len(line) <= width and line.startswith(" " * 11) for line in rest)
    assert " ".join((first + " ".join(rest)).split()) == " ".join(LONG.split())


def test_an_address_is_never_broken() -> None:
    word = "https://example.org/" + "x" * 90
    assert word in fitted(f"  docs: {word} and more words to make it long enough", 60).split("\n")[1]


def test_a_very_narrow_terminal_is_left_to_wrap_by_itself() -> None:
    assert fitted(LONG, 12) == LONG
