"""The ports that a mirrored guest has for itself: 4096 in a row of those that Windows deals out. Pure.

Windows knows no smaller block, and without one there is no network (wsl-facts 6, 4).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

BLOCK = 4096


def has_block(dynamic: Sequence[int], excluded: Iterable[tuple[int, int, bool]]) -> bool:
    """Whether `dynamic`, first and last port, has a block beside what is excluded (first, last, by whom)."""
    first, last = dynamic
    for low, high, _ in sorted(excluded):
        if high >= first:
            if min(low, last + 1) - first >= BLOCK:
                return True
            first = high + 1
    return last - first + 1 >= BLOCK
