"""Traps that act some commands after they were set: in mid-run, as a real server's troubles come.

The count starts with the first request that meets the setting; taking the setting away disarms its trap.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wslnet_lab.host.wire.settings import Settings

UNAUTHORIZED = "unauthorized_after"
SHELLS_GONE = "shells_gone_after"
DROP_RECEIVE = "drop_receive_after"
SILENT = "silent_after"
LOST_FRAGMENT = "lost_fragment_after"


class Traps:
    """What was set when, and what has acted already."""

    def __init__(self) -> None:
        """Starts with nothing set."""
        self._lock = threading.Lock()
        self._commands = 0
        self._due_at: dict[str, int] = {}
        self._sprung: set[str] = set()

    def watch(self, settings: Settings) -> None:
        """Arms what is newly set and disarms what is set no more; to be called with each request."""
        with self._lock:
            for name in (UNAUTHORIZED, SHELLS_GONE, DROP_RECEIVE, SILENT, LOST_FRAGMENT):
                after: int | None = getattr(settings, name)
                if after is None:
                    self._due_at.pop(name, None)
                    self._sprung.discard(name)
                else:
                    self._due_at.setdefault(name, self._commands + after)

    def count_command(self) -> None:
        """One more pipeline or program was started."""
        with self._lock:
            self._commands += 1

    def holds(self, name: str) -> bool:
        """Whether a trap is due."""
        with self._lock:
            return self._commands >= self._due_at.get(name, self._commands + 1)

    def springs(self, name: str) -> bool:
        """Whether a trap is due that has not acted yet; it has then."""
        if not self.holds(name):
            return False
        with self._lock:
            first = name not in self._sprung
            self._sprung.add(name)
            return first
