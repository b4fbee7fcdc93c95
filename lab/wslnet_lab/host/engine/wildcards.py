"""PowerShell's wildcard text: `*`, `?`, `[a-z]`, and the backtick that takes their meaning away.

Matching ignores case and covers the whole text (cdxml-facts 1.6).
"""

from __future__ import annotations

import re
from functools import lru_cache


def is_pattern(text: str) -> bool:
    """Whether `text` holds a wildcard that no backtick escapes."""
    escaped = False
    for character in text:
        if not escaped and character in "*?[":
            return True
        escaped = character == "`" and not escaped
    return False


def matches(pattern: str, text: str) -> bool:
    """Whether `text` as a whole matches `pattern`."""
    return _compiled(pattern).fullmatch(text) is not None


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> re.Pattern[str]:
    parts: list[str] = []
    index = 0
    while index < len(pattern):
        character = pattern[index]
        if character == "`" and index + 1 < len(pattern):
            index += 1
            parts.append(re.escape(pattern[index]))
        elif character == "*":
            parts.append(".*")
        elif character == "?":
            parts.append(".")
        elif character == "[":
            end = pattern.find("]", index + 1)
            if end < 0:
                parts.append(re.escape(pattern[index:]))
                break
            parts.append(_character_set(pattern[index + 1 : end]))
            index = end
        else:
            parts.append(re.escape(character))
        index += 1
    return re.compile("".join(parts), re.IGNORECASE | re.DOTALL)


def _character_set(body: str) -> str:
    # Nothing is special inside the brackets but the dash of a range; a range that runs backwards is empty.
    items: list[str] = []
    at = 0
    while at < len(body):
        low, high = body[at], body[at + 2 : at + 3]
        if high and body[at + 1] == "-":
            items.extend([f"{re.escape(low)}-{re.escape(high)}"] if low <= high else [])
            at += 3
        else:
            items.append(re.escape(low))
            at += 1
    return f"[{''.join(items)}]" if items else "(?!)"
