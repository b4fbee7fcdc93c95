"""Fact `wsl`: what WSL says about itself from inside; only `wslinfo` knows the mode that is in use."""

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_WSLINFO = "/usr/bin/wslinfo"


def commands() -> "list[tuple[str, list[str]]]":
    """What to run; `-n` leaves the newline out."""
    if not os.access(_WSLINFO, os.X_OK):
        return []
    return [("mode", [_WSLINFO, "--networking-mode", "-n"]), ("version", [_WSLINFO, "--version", "-n"])]


def value(outcomes: "dict[str, Any]", errors: "dict[str, dict[str, str]]") -> "dict[str, str | None] | None":
    """The fact; None outside WSL. An old `wslinfo` knows only one of the questions."""
    if not outcomes:
        return None
    found = {}  # type: dict[str, str | None]
    for key, outcome in outcomes.items():
        found[key] = outcome.text().strip() if outcome.code == 0 else None
        if outcome.code != 0:
            errors["wsl/" + key] = {"code": outcome.problem or "failed", "message": outcome.reason()}
    return found
