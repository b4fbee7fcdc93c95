"""Regular expressions of .NET as far as Python's mean the same; what differs is translated or refused."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from wslnet_lab.host.script.syntax import NotInTheLab

if TYPE_CHECKING:
    from collections.abc import Callable

# Python folds these to s, i and i; .NET's invariant culture does not (jea-facts D: only KELVIN SIGN counts).
_UNFOLDED = {0x17F: 0xE000, 0x130: 0xE001, 0x131: 0xE002}
_TOKEN = re.compile(r"\\(.)|(\(\?[^:=!])", re.DOTALL)


@lru_cache(maxsize=256)
def compiled(pattern: str, *, ignore_case: bool) -> Callable[[str], bool]:
    """A test of whether `pattern` is found in a text.

    Raises:
        NotInTheLab: The pattern has something that Python reads otherwise.
    """
    flags = re.IGNORECASE if ignore_case else 0
    try:
        ready = re.compile(_TOKEN.sub(_translated, pattern), flags)
    except re.error as error:
        raise NotInTheLab(f"the pattern {pattern!r}: {error}") from error
    return lambda text: ready.search(text.translate(_UNFOLDED)) is not None


def _translated(found: re.Match[str]) -> str:
    if found[2] is not None:
        raise NotInTheLab(f"the group {found[2]!r} of a pattern")
    return {"z": r"\Z", "Z": r"(?=\n?\Z)"}.get(found[1], found[0])
