"""Processes as the lab sees them: who lives in a network namespace, who is still the one we started.

Reads /proc and sends signals, nothing else. A process belongs to a namespace when any of its tasks is in it.
"""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from wslnet_lab.errors import LabError

if TYPE_CHECKING:
    from collections.abc import Collection

_PROC = Path("/proc")
# Of proc(5), counted after the command's closing bracket.
_PARENT_FIELD = 1
_GROUP_FIELD = 2
_STARTTIME_FIELD = 19


@dataclass(frozen=True, slots=True)
class Process:
    """A process that cannot be mistaken for a later one with the same number: pid and start time (ticks)."""

    pid: int
    started: int

    @classmethod
    def of(cls, pid: int) -> Process:
        """The process that has this number now.

        Raises:
            ProcessLookupError: There is none.
        """
        return cls(pid, _start_time(pid))

    def alive(self) -> bool:
        """Whether it still runs (a zombie does not)."""
        try:
            fields = _stat_fields(self.pid)
        except ProcessLookupError:
            return False
        return fields[0] != "Z" and int(fields[_STARTTIME_FIELD]) == self.started

    def signal(self, number: signal.Signals) -> None:
        """Sends a signal if it is still the same process."""
        if self.alive():
            try:
                os.kill(self.pid, number)
            except ProcessLookupError:
                return

    def wait_end(self, timeout_s: float) -> bool:
        """Waits until it is gone; False when it is still there after `timeout_s` seconds."""
        deadline = time.monotonic() + timeout_s
        while self.alive():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.01)
        return True


def in_namespaces(namespaces: Collection[tuple[int, int]]) -> set[int]:
    """Numbers of all processes with at least one task in one of these network namespaces (device, inode)."""
    wanted = frozenset(namespaces)
    found = set()
    for entry in _PROC.iterdir():
        if entry.name.isdecimal() and not wanted.isdisjoint(_namespaces_of(entry)):
            found.add(int(entry.name))
    return found


def end_all(
    namespaces: Collection[tuple[int, int]], *, spared: Collection[int] = (), timeout_s: float = 10.0
) -> set[int]:
    """Kills every process in these network namespaces, whoever started it, and waits until none is left.

    The caller itself is spared: its threads enter a namespace only for a moment. So are those in `spared`.

    Returns:
        The numbers of those killed.

    Raises:
        LabError: Some are still there after `timeout_s` seconds.
    """
    deadline = time.monotonic() + timeout_s
    ended: set[int] = set()
    while left := in_namespaces(namespaces) - {os.getpid(), *spared}:
        if time.monotonic() > deadline:
            raise LabError(f"processes {sorted(left)} in the lab's namespaces do not end")
        ended |= left
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        time.sleep(0.01)
    return ended


def signal_all(namespaces: Collection[tuple[int, int]], number: signal.Signals) -> None:
    """Sends a signal to every process in these network namespaces but the caller."""
    for pid in in_namespaces(namespaces) - {os.getpid()}:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue  # ended meanwhile


def reap_orphans(group: int, timeout_s: float = 5.0) -> None:
    """Takes the exits of what a dead leader of a process group left to this process, its subreaper.

    The leader (nsenter) waited outside for its child inside a pid namespace. While nobody takes that child's
    exit, process 1 of the namespace does not end, and with it the whole machine.
    """
    deadline = time.monotonic() + timeout_s
    while (left := _children(group)) and time.monotonic() < deadline:
        for pid in left:
            try:
                os.waitpid(pid, os.WNOHANG)
            except ChildProcessError:
                continue  # taken meanwhile
        time.sleep(0.01)


def _children(group: int) -> list[int]:
    """This process's children in a process group, those that have ended included."""
    found = []
    for entry in _PROC.iterdir():
        if entry.name.isdecimal():
            try:
                fields = _stat_fields(int(entry.name))
            except ProcessLookupError:
                continue
            if (int(fields[_PARENT_FIELD]), int(fields[_GROUP_FIELD])) == (os.getpid(), group):
                found.append(int(entry.name))
    return found


def _namespaces_of(process: Path) -> set[tuple[int, int]]:
    found: set[tuple[int, int]] = set()
    try:
        tasks = list((process / "task").iterdir())
    except OSError:
        return found  # ended meanwhile
    for task in tasks:
        try:
            there = (task / "ns" / "net").stat()
        except OSError:
            continue  # ended meanwhile, or a zombie, which has no namespaces any more
        found.add((there.st_dev, there.st_ino))
    return found


def _stat_fields(pid: int) -> list[str]:
    try:
        text = (_PROC / str(pid) / "stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        raise ProcessLookupError(pid) from None
    return text.rpartition(")")[2].split()


def _start_time(pid: int) -> int:
    return int(_stat_fields(pid)[_STARTTIME_FIELD])
