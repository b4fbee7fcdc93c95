"""Reads single keys of /etc/wsl.conf, as far as the lab obeys it. Standard library only: init uses it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def value(path: Path, section: str, key: str) -> str | None:
    """The text of a key without its quotes, None when it is not there.

    Names are matched in any case and the first one counts, as in .wslconfig (wsl-facts 1.1).

    Args:
        path: The file; a missing one has no keys.
        section: In lower case.
        key: In lower case.
    """
    if not path.exists():
        return None
    current = ""
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        text = line.strip()
        name, equals, rest = text.partition("=")
        if text.startswith("["):
            current = text.strip("[]").strip().lower()
        elif equals and current == section and name.strip().lower() == key:
            return rest.strip().strip('"')
    return None
