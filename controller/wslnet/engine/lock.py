"""One run at a time per inventory: a lock file that the operating system frees when its holder dies.

The holder's name stands beside it for the message only; whether the lock is held is never read from a file.
Other inventories may name the same machines; for those there is `wslnet.engine.machine_locks`.
"""

from __future__ import annotations

import getpass
import json
import os
import secrets
import socket
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from wslnet.errors import Locked, WslnetError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_OWNER_FILE = "controller.id"


@contextmanager
def only_run(state: Path, *, wait_s: float = 0.0) -> Iterator[None]:
    """Holds the inventory's lock for the body; `wait_s`: how long another run may take to end.

    Raises:
        Locked: another run holds it; the message names process and host.
        WslnetError: the state folder cannot be written.
    """
    holder = state / "holder.json"
    try:
        state.mkdir(parents=True, exist_ok=True)
        lock = FileLock(state / "run.lock", timeout=wait_s)
        lock.acquire()
    except Timeout as error:
        raise Locked(f"another run is at work: {_told(holder)}", hint="wait for it to end") from error
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
    try:
        holder.write_text(json.dumps({"holder": holder_name()}), encoding="utf-8")
    except OSError as error:
        raise WslnetError(f"{holder}: cannot be written: {error.strerror}") from error


def _told(holder: Path) -> str:
    try:
        who = json.loads(holder.read_text(encoding="utf-8"))
        return str(who["holder"])
    except (OSError, ValueError, KeyError):
        return "its holder has not said who it is"


def holder_name() -> str:
    """Who this process is to others: `user@host, process 4711`."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = str(os.getuid()) if hasattr(os, "getuid") else "somebody"
    return f"{user}@{socket.gethostname()}, process {os.getpid()}"


def owner_token(state: Path) -> str:
    """The secret by which the machines know the runs of one state folder; made with the first.

    Raises:
        WslnetError: the state folder cannot be written.
    """
    file = state / _OWNER_FILE
    try:
        state.mkdir(parents=True, exist_ok=True)
        if not file.exists():
            new = file.with_name(f"{_OWNER_FILE}.{os.getpid()}")
            with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as made:
                made.write(secrets.token_hex(16))
            new.replace(file)
        return file.read_text(encoding="ascii").strip()
    except OSError as error:
        raise WslnetError(f"{state}: cannot be written: {error.strerror}") from error
