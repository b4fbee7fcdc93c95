"""The lab's port tracker outlives its clients, whoever still holds a copy of what they handed in."""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path

import pytest

from wslnet_lab.fabric.model import PortBlock
from wslnet_lab.fabric.steering import refuses_dynamic
from wslnet_lab.port_tracker import PortTracker

WITHIN_S = 20.0


def hand_in(tracker: PortTracker, listener: int) -> bytes:
    """Hands a listener in, as seccomp.hand_over does; gives what comes once it was taken: the end."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(WITHIN_S)
        connection.connect(str(tracker.path))
        socket.send_fds(connection, [b"!"], [listener])
        os.close(listener)
        return connection.recv(1)


def copies(reader: int) -> int:
    """How many descriptors of this process are the same pipe's."""
    wanted, found = os.fstat(reader).st_ino, 0
    for one in Path("/proc/self/fd").iterdir():
        try:
            found += one.stat().st_ino == wanted
        except FileNotFoundError:
            continue
    return found


def test_a_copy_of_a_listener_held_elsewhere_does_not_end_it(tmp_path: Path) -> None:
    """As a child of the daemon holds one between fork and exec, when the guest's processes end."""
    tracker = PortTracker(tmp_path / "tracker", (0, 0), lambda _: False)
    reader, writer = os.pipe()
    copy = os.dup(reader)
    try:
        assert hand_in(tracker, reader) == b""
        assert copies(copy) == 3, "ours, the tracker's, and the end that writes"
        os.close(writer)
        deadline = time.monotonic() + WITHIN_S
        while copies(copy) > 1:
            assert time.monotonic() < deadline, "it keeps what nobody is trapped by any more"
            time.sleep(0.01)
        time.sleep(0.1)  # for an event that must not come
        another, other_end = os.pipe()
        assert hand_in(tracker, another) == b"", "it still serves"
        os.close(other_end)
    finally:
        os.close(copy)
        tracker.stop()
    assert not tracker.path.exists()


@pytest.mark.parametrize(
    ("version", "port", "refused"),
    [
        ((2, 8, 7, 0), 8080, True),
        ((2, 9, 4, 0), 8080, True),
        ((2, 8, 6, 0), 8080, False),
        ((2, 9, 5, 0), 8080, False),
        ((2, 9, 4, 0), 1023, False),
        ((2, 9, 4, 0), 45000, False),  # the guest's own
    ],
)
def test_some_releases_are_refused_every_dynamic_port(
    version: tuple[int, ...], port: int, *, refused: bool
) -> None:
    assert refuses_dynamic(version, (1024, 65535), port, PortBlock()) is refused
