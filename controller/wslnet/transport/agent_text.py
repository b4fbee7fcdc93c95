"""Makes what an agent said harmless to show: no control character, no escape sequence, nothing invisible.

A machine may be hostile; its names end up on the user's terminal and in reports.
"""

from __future__ import annotations

import re

_LINES_STAY = "\n\t"
_NO_TEXT = "\N{REPLACEMENT CHARACTER}"
# C0, DEL, C1, direction marks and overrides, line and paragraph separator, half pairs, byte order mark.
_BAD = "\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff"
_BAD_IN_LINE = re.compile(f"[{_BAD}]")
_BAD_IN_TEXT = re.compile(f"(?![{_LINES_STAY}])[{_BAD}]")
_DEEPEST = 64
_WITH_LINES = ("firewall", "xml")


def clean_line(text: str) -> str:
    """Give the text with everything replaced that could do more than be read; one line."""
    return _BAD_IN_LINE.sub(_NO_TEXT, text)


def clean_text(text: str) -> str:
    """The same, but newlines and tabs stay."""
    return _BAD_IN_TEXT.sub(_NO_TEXT, text)


def clean(value: object, *, lines: bool = False, depth: int = 0) -> object:
    """Give a JSON value with every text in it harmless, keys too.

    Only saved rule sets and the XML of tasks keep their lines.

    Raises:
        ValueError: it is nested deeper than any honest answer.
    """
    if isinstance(value, str):
        return clean_text(value) if lines else clean_line(value)
    if depth > _DEEPEST:
        raise ValueError("an answer that is nested too deep")
    if isinstance(value, list):
        return [clean(item, lines=lines, depth=depth + 1) for item in value]
    if isinstance(value, dict):
        return {
            clean_line(key): clean(item, lines=lines or key in _WITH_LINES, depth=depth + 1)
            for key, item in value.items()
        }
    return value
