"""When WSL stops by itself: a distribution after its last client, the machine after its last distribution.

Services inside hold nothing, only clients of wsl.exe do (wsl-facts 2.4). This says what is due at a given
time; ending it is `lifecycle`'s.
"""

from __future__ import annotations

import threading
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from wslnet_lab.host.wsl.config import WslConfig

DISTRO_MS, MACHINE_MS = 15_000, 60_000
"""general.instanceIdleTimeout and wsl2.vmIdleTimeout where `.wslconfig` does not say them (wsl-facts 2.4)."""

TERMINAL_CLOSED = "user-terminal-closed"
"""Fault of `lab break`: the terminal that the user has open in WSL, and that holds it, is closed."""


@dataclass(frozen=True, slots=True)
class IdleTimes:
    """How long each may be idle, in milliseconds as in the file; negative: for ever."""

    distro_ms: int = DISTRO_MS
    machine_ms: int = MACHINE_MS

    @classmethod
    def of(cls, config: WslConfig) -> IdleTimes:
        """Those of a `.wslconfig`."""
        distro = config.get("general.instanceIdleTimeout", DISTRO_MS)
        machine = config.get("wsl2.vmIdleTimeout", MACHINE_MS)
        return cls(
            distro if isinstance(distro, int) else DISTRO_MS,
            machine if isinstance(machine, int) else MACHINE_MS,
        )

    def faster(self, speed: float) -> IdleTimes:
        """The same on a clock that runs `speed` times as fast."""
        return IdleTimes(_divided(self.distro_ms, speed), _divided(self.machine_ms, speed))


@dataclass(frozen=True, slots=True)
class Due:
    """What has been idle for long enough."""

    distros: tuple[str, ...] = ()
    machine: bool = False


class IdleClock:
    """Clients of each distribution, by its name in lower case, and since when there are none.

    `now` is in seconds of any clock that only goes forward.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._clients: Counter[str] = Counter()
        self._idle_since: dict[str, float] = {}
        self._machine_idle_since: float | None = None

    def forget(self) -> None:
        """A new machine begins: nothing in it has been idle yet."""
        with self._lock:
            self._idle_since = {}
            self._machine_idle_since = None

    @contextmanager
    def client(self, distro: str) -> Iterator[None]:
        """Counts a client for as long as the block lasts."""
        with self._lock:
            self._clients[distro] += 1
        try:
            yield
        finally:
            with self._lock:
                self._clients[distro] -= 1
                self._idle_since.pop(distro, None)

    def due(self, running: Iterable[str], held: Iterable[str], times: IdleTimes, now: float) -> Due:
        """What is to be ended now.

        Args:
            running: The distributions that run; none: the machine is idle.
            held: Those that somebody beside the counted clients holds.
            times: The limits.
            now: Of the caller's clock.
        """
        names = set(running)
        with self._lock:
            idle = {name for name in names - set(held) if not self._clients[name]}
            self._idle_since = {name: self._idle_since.get(name, now) for name in idle}
            if names:
                self._machine_idle_since = None
            elif self._machine_idle_since is None:
                self._machine_idle_since = now
            over = [name for name in idle if _over(self._idle_since[name], times.distro_ms, now)]
            since = self._machine_idle_since
            return Due(tuple(sorted(over)), since is not None and _over(since, times.machine_ms, now))


def _divided(limit_ms: int, speed: float) -> int:
    return limit_ms if limit_ms < 0 else int(limit_ms / speed)


def _over(since: float, limit_ms: int, now: float) -> bool:
    return limit_ms >= 0 and (now - since) * 1000 >= limit_ms
