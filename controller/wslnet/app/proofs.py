"""What a mode promises beside packets, looked at once it is in place: checks that must not fail then."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from wslnet.engine.doctor import examine
from wslnet.engine.gather import gather
from wslnet.model.finding import Status

if TYPE_CHECKING:
    from wslnet.engine.fleet import Fleet
    from wslnet.model.snapshot import Needs, Snapshot

_ATTEMPTS = 4
_PAUSE_S = 1.0
"""Windows hands its last changes on to WSL after a moment (wsl-guest-facts 6)."""


def unproven(fleet: Fleet, snapshot: Snapshot, codes: frozenset[str], needs: Needs) -> str | None:
    """What one of these checks finds wrong, in a line; None when all hold, or cannot be judged.

    `snapshot` is what was read last, `needs` what to read again while something is wrong.
    """
    for attempt in range(_ATTEMPTS):
        wrong = next((one for one in examine(snapshot, only=codes) if one.status is Status.FAIL), None)
        if wrong is None:
            return None
        if attempt + 1 < _ATTEMPTS:
            time.sleep(_PAUSE_S)
            snapshot = gather(fleet, needs)
    return f"{wrong.title} ({wrong.code}): {'; '.join(wrong.evidence)}" if wrong is not None else None
