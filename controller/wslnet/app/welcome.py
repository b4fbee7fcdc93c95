"""`wslnet` alone: a first look at the machines, no longer than a few seconds. Reads only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet.app.undo import interrupted
from wslnet.engine.gather import gather
from wslnet.engine.next_step import Step, first_look, found_lines, next_step

if TYPE_CHECKING:
    from collections.abc import Callable

    from wslnet.engine.fleet import Fleet

LOOK_DEADLINE_S = 8.0


def look_around(fleet: Fleet, say: Callable[[str, str], None]) -> tuple[tuple[str, ...], Step]:
    """What was found, line by line, and the next step."""
    snapshot = gather(fleet, first_look(fleet.inventory), deadline_s=LOOK_DEADLINE_S, say=say)
    log = interrupted(fleet.inventory.state)
    return tuple(found_lines(snapshot)), next_step(snapshot, log.run if log is not None else None)
