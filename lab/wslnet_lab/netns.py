"""Entering a named network namespace for a moment, telling who it is, and leaving /run/netns as it was.

Making and removing namespaces is the fabric's (`fabric.netns`); the names are iproute2's.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from wslnet_lab import syscalls
from wslnet_lab.errors import LabError
from wslnet_lab.paths import LABS

if TYPE_CHECKING:
    from collections.abc import Callable

NETNS = Path("/run/netns")

# iproute2 mounts /run/netns on itself once and never takes it back; this file says that a lab caused it.
_MOUNT_IS_OURS = LABS / ".netns-mount"

# In a mirrored guest 127.0.0.1 is Windows; from and to 127.0.0.2 stays inside (wsl-guest-facts 3).
_SELF = "127.0.0.2"

T = TypeVar("T")


def expect_mount() -> None:
    """To be called before the first namespace of a lab is made: notes whether the mount will be ours."""
    if not _is_mounted():
        LABS.mkdir(parents=True, exist_ok=True)
        _MOUNT_IS_OURS.touch()


def forget_mount() -> None:
    """Undoes iproute2's mount on /run/netns when a lab caused it and nobody uses it any more."""
    if not _MOUNT_IS_OURS.exists() or any(NETNS.iterdir()):
        return
    while _is_mounted():
        syscalls.unmount(str(NETNS))
    NETNS.rmdir()
    _MOUNT_IS_OURS.unlink()


def _is_mounted() -> bool:
    # Path.is_mount() does not see a folder bound to itself: the device is the same.
    return any(
        line.split()[4] == str(NETNS) for line in Path("/proc/self/mountinfo").read_text().splitlines()
    )


def identity(name: str) -> tuple[int, int]:
    """Device and inode of the namespace, equal to those of `/proc/PID/ns/net` of whoever is in it."""
    found = (NETNS / name).stat()
    return found.st_dev, found.st_ino


def enter(name: str) -> None:
    """Moves the calling thread into the namespace for good.

    Raises:
        LabError: There is no such namespace (the machine is off).
    """
    try:
        descriptor = os.open(NETNS / name, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        raise LabError(f"{name}: the machine is off") from None
    try:
        syscalls.setns(descriptor, syscalls.CLONE_NEWNET)
    finally:
        os.close(descriptor)


def run_in(name: str, act: Callable[[], T]) -> T:
    """Runs `act` in a thread of its own inside the namespace and gives what it gives.

    A socket made there stays there, whichever thread uses it later; so this is how the daemon dials.
    """
    results: list[T] = []
    failures: list[BaseException] = []

    def body() -> None:
        try:
            enter(name)
            results.append(act())
        except BaseException as error:  # noqa: BLE001 - handed on to the caller's thread below
            failures.append(error)

    thread = threading.Thread(target=body, name=f"in {name}", daemon=True)
    thread.start()
    thread.join()
    if failures:
        raise failures[0]
    return results[0]


def wait_port(namespace: str, port: int, timeout_s: float) -> None:
    """Waits until something inside accepts TCP connections on `port` of its loopback.

    Raises:
        LabError: Nothing does within `timeout_s` seconds.
    """
    deadline = time.monotonic() + timeout_s

    def connect() -> None:
        while True:
            try:
                socket.create_connection((_SELF, port), timeout=1.0, source_address=(_SELF, 0)).close()
            except OSError as error:
                if time.monotonic() > deadline:
                    raise LabError(f"{namespace}: nothing answers on port {port}: {error}") from error
                time.sleep(0.02)
            else:
                return

    run_in(namespace, connect)
