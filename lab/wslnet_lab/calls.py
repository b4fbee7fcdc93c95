"""The log of what Windows was asked to do, read for `lab log`; the Windows host writes it line by line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wslnet_lab.paths import LabPaths


def read(paths: LabPaths) -> list[dict[str, Any]]:
    """All entries, oldest first; a last line that is being written is left out."""
    if not paths.calls.exists():
        return []
    lines = paths.calls.read_text(encoding="utf-8").splitlines(keepends=True)
    return [json.loads(each) for each in lines if each.endswith("\n")]


def line(entry: dict[str, Any]) -> str:
    """One entry as one line for people."""
    what = " | ".join(command["name"] for command in entry.get("commands") or ())
    words = [
        entry.get("at"),
        entry.get("kind"),
        entry.get("identity"),
        what or " ".join(entry.get("argv") or ()),
    ]
    words += [entry.get("state"), entry.get("error_id")]
    return "  ".join(str(word) for word in words if word)
