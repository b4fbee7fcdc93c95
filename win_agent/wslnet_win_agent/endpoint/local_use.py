"""What a probe has shown about the endpoint on its own machine, as the small file that keeps it.

Only a probe that passed is kept, and only for the very files that it met: whatever else the file holds, or
no file, is "blocked". Data only; where it lies (`places.VERDICT`) administrators alone can write.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

PASSED, BLOCKED = "passed", "blocked"
_LONGEST = 4096


def written(files: Iterable[tuple[str, bytes]], account: str) -> bytes:
    """Give the file's content for a probe by `account` that passed with these files (path, content)."""
    document = {"verdict": PASSED, "account": account, "files": _digest(files)}
    return (json.dumps(document, indent=2, sort_keys=True) + "\n").encode()


def judged(content: bytes | None, files: Iterable[tuple[str, bytes]]) -> tuple[str, str]:
    """Give the verdict and the reason in words, for the files that lie there now."""
    if content is None:
        return BLOCKED, "no probe has passed there"
    try:
        found = json.loads(content) if len(content) <= _LONGEST else None
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or found.get("verdict") != PASSED:
        return BLOCKED, "what a probe left there cannot be read"
    if found.get("files") != _digest(files):
        return BLOCKED, "its files are not those that the probe met"
    return PASSED, f"a session of {found.get('account')} over loopback passed"


def _digest(files: Iterable[tuple[str, bytes]]) -> str:
    told = hashlib.sha256()
    for path, content in sorted(files):
        told.update(f"{path} {len(content)}\n".encode())
        told.update(content)
    return told.hexdigest()
