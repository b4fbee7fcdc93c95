"""Whether SSH answers, hop by hop from the controller's place, asked all the time.

One thread a hop stands in the network of the machine before it, so a look costs no process.
"""

from __future__ import annotations

import socket
import threading
import time
from typing import TYPE_CHECKING, Self

from wslnet_lab.netns import enter

if TYPE_CHECKING:
    from collections.abc import Mapping

_EVERY_S = 0.1
_ANSWER_S = 0.3
_PORT = 22


def now() -> float:
    """The clock of the guards: CLOCK_BOOTTIME, in seconds."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Hops:
    """Watches the hops `{machine: (network namespace, address)}`, outermost first."""

    def __init__(self, hops: Mapping[str, tuple[str, str]]) -> None:
        self._hops = hops
        self._seen: dict[str, list[tuple[float, bool]]] = {name: [] for name in hops}
        self._end = threading.Event()
        self._threads = [threading.Thread(target=self._watch, args=(name,), daemon=True) for name in hops]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        for thread in self._threads:
            thread.join(5)

    def was_cut(self, machine: str, since: float, until: float) -> bool:
        """Whether the machine's own hop was silent at some time."""
        return any(since <= at <= until and not up for at, up in list(self._seen[machine]))

    def back(self, machine: str, since: float) -> float | None:
        """When every hop up to the machine had answered a question asked after `since`; None: not yet."""
        names = list(self._hops)
        answers = [self._first(name, since) for name in names[: names.index(machine) + 1]]
        known = [at for at in answers if at is not None]
        return max(known) if len(known) == len(answers) else None

    def _first(self, machine: str, since: float) -> float | None:
        return next((at for at, up in list(self._seen[machine]) if at >= since and up), None)

    def _watch(self, name: str) -> None:
        namespace, address = self._hops[name]
        enter(namespace)
        while not self._end.wait(_EVERY_S):
            began = now()
            self._seen[name].append((began, self._greets(address)))

    def _greets(self, address: str) -> bool:
        try:
            with socket.create_connection((address, _PORT), timeout=_ANSWER_S) as connection:
                return connection.recv(4) == b"SSH-"
        except OSError:
            return False
