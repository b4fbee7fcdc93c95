"""What is special about the guards on Windows: which changes they can watch over, and a long barrier.

They are processes of the tasks of `boot install` (docs/adr/0012), armed and asked by the same ops as the
guards on Linux. They alone are carried over a restart of WSL, and kept alive while it goes on.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

from wslnet.engine.guards import GuardFired
from wslnet.errors import WslnetError
from wslnet_win_agent.boot.guard_files import HALVES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager

    from wslnet.engine.guards import Guards
    from wslnet.model.change import Change

_BARRIER_S = 40.0
_BEAT_S = 8.0
_END_WITHIN_S = 60.0


def can_guard(changes: Sequence[Change]) -> bool:
    """Whether a guard on Windows knows how to take all of these back."""
    return all(change.undo is not None and change.undo.verb in HALVES for change in changes)


def kept_alive(guards: Guards | None) -> AbstractContextManager[list[WslnetError]]:
    """Extends the guard on Windows, if one is armed, as long as the body runs, from a thread.

    The list that it gives holds the error of a guard that fired in the meantime; nothing is raised.
    """
    windows = guards.fleet.inventory.windows if guards is not None else None
    if guards is None or windows is None or windows.name not in guards.armed:
        return nullcontext([])
    return _beating(guards, windows.name)


@contextmanager
def _beating(guards: Guards, windows: str) -> Iterator[list[WslnetError]]:
    lost: list[WslnetError] = []
    over = threading.Event()

    def beat() -> None:
        while not lost:
            try:
                guards.extend_one(windows, _BARRIER_S)
            except GuardFired as fired:
                lost.append(fired)
            except WslnetError:
                # Out of reach for now: the guard is patient for longer than one beat.
                pass
            if over.wait(_BEAT_S):
                return

    thread = threading.Thread(target=beat, name="guard on Windows", daemon=True)
    thread.start()
    try:
        yield lost
    finally:
        over.set()
        thread.join(_END_WITHIN_S)
