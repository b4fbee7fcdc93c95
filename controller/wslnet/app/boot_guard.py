"""The guard inside a boot task's process: reads its order, waits, and takes back what nobody confirmed.

One half, one process: a lock that dies with it says so. What it watches over stands in its report before it
answers, so whoever starts next knows what the one before it had to do: a guard that ended without a word
(killed, or with Windows) was not confirmed, and its changes are taken back before anything else is done.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Self

from filelock import FileLock, Timeout

from wslnet.app.boot_clock import seconds_since_boot
from wslnet.errors import PlanRefused
from wslnet_win_agent.boot.guard_files import (
    ARMED,
    FIRED,
    FIRING,
    RELEASE,
    RELEASED,
    WATCH,
    Order,
    Report,
)
from wslnet_win_agent.boot.places import order_name, report_name

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from wslnet_win_agent.boot.guard_files import JsonDict

POLL_S = 0.25
_REPLACES = 20
_REPLACE_AGAIN_S = 0.1


@dataclass
class Guard:
    """The guard of one half. Its files lie in `folder`; `take_back` undoes what a report holds.

    `accept` may refuse an order by raising, and gives the names of its interfaces by their index, as they are
    now. `now` must count sleep. After `__enter__` one process at a time is it.
    """

    half: str
    folder: Path
    take_back: Callable[[Report], tuple[JsonDict, ...]]
    accept: Callable[[Order], Mapping[str, str] | None] = lambda _: None
    now: Callable[[], float] = seconds_since_boot
    _report: Report | None = None
    _deadline: float = 0.0
    _lock: FileLock = field(init=False)

    def __post_init__(self) -> None:
        self._lock = FileLock(self.folder / f"guard-{self.half}.lock", timeout=0)

    def __enter__(self) -> Self:
        """Becomes the guard of this half, and first of all takes back what a former one left.

        Raises:
            PlanRefused: another process is it.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            self._lock.acquire()
        except Timeout as error:
            raise PlanRefused(f"another process is at work as the {self.half} half") from error
        self._settle_former()
        return self

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    @property
    def is_armed(self) -> bool:
        """Whether it watches, or takes back at this moment."""
        return self._report is not None

    def stand(self) -> None:
        """Watches until nothing is to be watched over any more."""
        while self.look():
            time.sleep(POLL_S)

    def look(self) -> bool:
        """One look at the order and the clock; whether it watches now."""
        order = self._order()
        if self._report is None:
            if order is not None and order.word == WATCH and not self._is_past(order):
                self._accept(order)
            return self.is_armed
        mine = self._report.order
        if order is not None and order.is_of(mine.run, mine.token) and order.number > mine.number:
            if order.word == RELEASE:
                self._end(replace(self._report, order=order, state=RELEASED))
                return False
            self._accept(order)
        if self.now() >= self._deadline:
            self._fire(self._report)
        return self.is_armed

    def _settle_former(self) -> None:
        report = self._former()
        if report is None or report.is_settled:
            return
        order = self._order()
        mine = report.order
        is_released = order is not None and order.word == RELEASE and order.is_of(mine.run, mine.token)
        if order is not None and is_released and report.state == ARMED:
            self._end(replace(report, order=order, state=RELEASED))
        else:
            self._fire(report)

    def _is_past(self, order: Order) -> bool:
        former = self._former()
        return former is not None and former.order.is_of(order.run, order.token)

    def _accept(self, order: Order) -> None:
        self._report = Report(order, ARMED, aliases=self.accept(order))
        self._deadline = self.now() + order.deadline_s
        self._write(self._report)

    def _fire(self, report: Report) -> None:
        self._report = replace(report, state=FIRING)
        self._write(self._report)
        self._end(replace(self._report, state=FIRED, done=self.take_back(report)))

    def _end(self, report: Report) -> None:
        self._write(report)
        self._report = None

    def _order(self) -> Order | None:
        return Order.of(_bytes(self.folder / order_name(self.half)))

    def _former(self) -> Report | None:
        return Report.of(_bytes(self.folder / report_name(self.half)))

    def _write(self, report: Report) -> None:
        """Puts the whole report in place at once; somebody who reads it just now is waited for."""
        path = self.folder / report_name(self.half)
        new = path.with_suffix(".new")
        with new.open("wb") as file:
            file.write(report.to_bytes())
            file.flush()
            os.fsync(file.fileno())
        for _ in range(_REPLACES):
            with suppress(PermissionError):
                new.replace(path)
                return
            time.sleep(_REPLACE_AGAIN_S)
        new.replace(path)


def _bytes(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        # Not there, or being written: the next look is soon.
        return None
