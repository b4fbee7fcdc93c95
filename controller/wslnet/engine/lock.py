"""One run at a time per inventory: a lock file that the operating system frees when its holder dies.

The holder's name stands beside it for the message only; whether the lock is held is never read from a file.
"""

from __future__ import annotations

import json
import os
import socket
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from wslnet.errors import PlanRefused, WslnetError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def only_run(state: Path, *, wait_s: float = 0.0) -> Iterator[None]:
    """Holds the inventory's lock for the body; `wait_s`: how long another run may take to end.

    Raises:
        PlanRefused: another run holds it; the message names process and host.
        WslnetError: the state folder cannot be written.
    """
    holder = state / "holder.json"
    try:
        state.mkdir(parents=True, exist_ok=True)
        lock = FileLock(state / "run.lock", timeout=wait_s)
        lock.acquire()
    except Timeout as error:
        raise PlanRefused(f"another run is at work: {_told(holder)}", hint="wait for it to end") from error
    except OSError as error:
        raise WslnetError(f"{state}: cannot be written: {error.strerror}") from error
    try:
        _tell(holder)
        yield
    finally:
        with suppress(OSError):
            # On a disk that has become read-only it stays; it is only for the message.
            holder.unlink()
        lock.release()


def _tell(holder: Path) -> None:
    me = {"pid": os.getpid(), "host": socket.gethostname()}
    try:
        holder.write_text(json.dumps(me), encoding="utf-8")
    except OSError as error:
        raise WslnetError(f"{holder}: cannot be written: {error.strerror}") from error


def _told(holder: Path) -> str:
    try:
        who = json.loads(holder.read_text(encoding="utf-8"))
        return f"process {who['pid']} on {who['host']}"
    except (OSError, ValueError, KeyError):
        return "its holder has not said who it is"
