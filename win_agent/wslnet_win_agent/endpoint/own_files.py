"""The files beside `.wslconfig` that the endpoint's functions know, by the paths of a full session.

One table of kinds: which may be read is all, which may be made, written, moved or removed stands in the sets.
"""

from __future__ import annotations

import re

_CALL = r".*\\appdata\\local\\wslnet\\call-(?P<id>[0-9a-f]{32})"
_LOCK = r"c:\\programdata\\wslnet\.lock"
_FILES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), kind)
    for pattern, kind in (
        (_LOCK, "lock"),
        (_LOCK + r"\.(?P<id>[0-9a-f]{32})", "lock-mine"),
        (_LOCK + r"\.(?P<id>[0-9a-f]{32})-dead", "lock-dead"),
        (r"c:\\programdata\\wslnet\\guard-network\.json", "guard-network"),
        (r"c:\\programdata\\wslnet\\guard-network\.order\.json", "guard-network-order"),
        (r".*\\appdata\\local\\wslnet\\guard-wsl\.json", "guard-wsl"),
        (r".*\\appdata\\local\\wslnet\\guard-wsl\.order\.json", "guard-wsl-order"),
        (_CALL + r"\.json", "request"),
        (_CALL + r"\.answer\.json", "answer"),
    )
)
"""Whose profile it is the endpoint knows from who is connected, as with `.wslconfig`."""

MADE = frozenset({"lock", "lock-mine"})
WRITTEN = frozenset({"lock", "request"})
REMOVED = frozenset({"lock", "lock-mine", "lock-dead", "request", "answer"})
MOVED, MOVED_TO = frozenset({"lock", "lock-mine", "lock-dead"}), frozenset({"lock", "lock-dead"})
READ = frozenset(kind for _, kind in _FILES)
NO_ID = "0" * 32
"""What is sent for a kind that has one file only: the parameter is mandatory."""


def kind_of(path: str) -> tuple[str, str] | None:
    """Give the kind and the id of a file; None when it is none of these."""
    for pattern, kind in _FILES:
        match = pattern.fullmatch(path.lower())
        if match is not None:
            return kind, match.groupdict().get("id") or NO_ID
    return None
