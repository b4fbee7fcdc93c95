"""Docker's `daemon.json`, edited without losing anything: one value changes, every other byte stays. Pure."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from wslnet.errors import PlanRefused

if TYPE_CHECKING:
    from collections.abc import Mapping

_BLANK = re.compile(r"[ \t\r\n]*")
_INDENT = re.compile(r"\{\r?\n([ \t]+)\"")


def with_values(text: str | None, values: Mapping[str, object]) -> str:
    """The text with these keys at its top level; an absent or empty file becomes a new one.

    Raises:
        PlanRefused: it is no valid JSON object, or has a key twice: what it means is not ours to guess.
    """
    if text is None or not text.strip():
        return json.dumps(dict(values), indent=2) + "\n"
    for key, value in values.items():
        text = _with_value(text, key, value)
    return text


def value_of(text: str | None, key: str) -> object:
    """The value of a key; None where there is none, or no file.

    Raises:
        PlanRefused: as `with_values`.
    """
    return _parsed(text).get(key) if text is not None and text.strip() else None


def _with_value(text: str, key: str, value: object) -> str:
    found = _parsed(text)
    if key in found and found[key] == value and type(found[key]) is type(value):
        return text
    span = _span(text, key)
    if span is not None:
        return text[: span[0]] + json.dumps(value) + text[span[1] :]
    start = text.index("{") + 1
    indent = _INDENT.search(text)
    gap = ("\r\n" if "{\r\n" in text else "\n") + indent[1] if indent is not None else ""
    pair = f"{json.dumps(key)}: {json.dumps(value)}" + ("," if found else "")
    return text[:start] + gap + pair + ("" if gap or not found else " ") + text[start:]


def _parsed(text: str) -> dict[str, object]:
    def pairs(items: list[tuple[str, object]]) -> dict[str, object]:
        if len({key for key, _ in items}) != len(items):
            raise PlanRefused("/etc/docker/daemon.json has a key twice; correct it first")
        return dict(items)

    try:
        found = json.loads(text, object_pairs_hook=pairs)
    except ValueError as error:
        raise PlanRefused(
            f"/etc/docker/daemon.json is no valid JSON ({error}); it was not touched", hint="correct it first"
        ) from error
    if not isinstance(found, dict):
        raise PlanRefused("/etc/docker/daemon.json holds no JSON object; it was not touched")
    return found


def _span(text: str, wanted: str) -> tuple[int, int] | None:
    """Where the value of a key of the top level begins and ends; the text is valid."""
    decoder = json.JSONDecoder()
    at = _skip(text, text.index("{") + 1)
    while text[at] != "}":
        key, at = decoder.raw_decode(text, at)
        start = _skip(text, _skip(text, at) + 1)
        _, end = decoder.raw_decode(text, start)
        if key == wanted:
            return start, end
        at = _skip(text, end)
        at = _skip(text, at + 1) if text[at] == "," else at
    return None


def _skip(text: str, at: int) -> int:
    found = _BLANK.match(text, at)
    return found.end() if found is not None else at
