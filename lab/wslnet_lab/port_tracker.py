"""WSL's port tracker: every bind(2) in the guest's root namespace asks Windows first (wsl-guest-facts 4).

One request at a time for the whole VM, as there. Which ports Windows refuses is the caller's to say; what a
port that is bound in WSL means for Windows is `fabric.steering`'s.
"""

from __future__ import annotations

import errno
import ipaddress
import logging
import os
import select
import socket
import struct
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from wslnet_lab import seccomp

if TYPE_CHECKING:
    from collections.abc import Callable

    from wslnet_lab.seccomp import Notice

_LOG = logging.getLogger(__name__)
_END_TIMEOUT_S = 5.0
_LONGEST_ADDRESS = 128
# Port and address in a struct sockaddr_in and sockaddr_in6, behind the family.
_FORMS = {int(socket.AF_INET): struct.Struct("!2xH4s"), int(socket.AF_INET6): struct.Struct("!2xH4x16s")}
_KINDS: dict[tuple[int, int], str] = {
    (socket.SOCK_STREAM, socket.IPPROTO_TCP): "tcp",
    (socket.SOCK_DGRAM, socket.IPPROTO_UDP): "udp",
}


@dataclass(frozen=True)
class Bind:
    """A port that somebody in the guest wants: `tcp` or `udp`, address as text."""

    proto: str
    address: str
    port: int


class PortTracker:
    """Serves a socket on which processes hand in their traps, and decides each trapped bind(2).

    Attributes:
        path: Of the socket; it exists as long as the tracker runs.
    """

    def __init__(self, path: Path, namespace: tuple[int, int], refused: Callable[[Bind], bool]) -> None:
        """Starts to serve.

        Args:
            path: Where the socket is made.
            namespace: Device and inode of the network namespace whose binds Windows is asked about.
            refused: Whether Windows refuses this one.
        """
        self.path = path
        self._namespace = namespace
        self._refused = refused
        path.unlink(missing_ok=True)
        self._server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._server.bind(str(path))
        path.chmod(0o600)
        self._server.listen()
        self._ended, self._end = os.pipe()
        self._listeners: set[int] = set()
        self._poll = select.epoll()
        for each in (self._server.fileno(), self._ended):
            self._poll.register(each, select.EPOLLIN)
        self._thread = threading.Thread(target=self._serve, name="port tracker", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ends it: what is trapped from now on fails with ENOSYS, as with a tracker of WSL that died."""
        self.path.unlink(missing_ok=True)
        if self._thread.is_alive():
            os.write(self._end, b"!")
            self._thread.join(_END_TIMEOUT_S)

    def _serve(self) -> None:
        while True:
            for descriptor, events in self._poll.poll():
                if descriptor == self._ended:
                    self._close()
                    return
                if descriptor == self._server.fileno():
                    self._take_in()
                elif events & select.EPOLLIN:
                    self._decide(descriptor)
                elif events & select.EPOLLHUP:  # nobody is left who is trapped by it
                    self._listeners.discard(descriptor)
                    # A child between fork and exec may hold a copy, and then closing alone ends no events.
                    self._poll.unregister(descriptor)
                    os.close(descriptor)

    def _take_in(self) -> None:
        connection, _ = self._server.accept()
        with connection:
            connection.settimeout(_END_TIMEOUT_S)
            try:
                _, listeners, _, _ = socket.recv_fds(connection, 1, 1)
            except TimeoutError:
                _LOG.warning("a client of the port tracker handed nothing in")
                return
        for listener in listeners:
            self._listeners.add(listener)
            self._poll.register(listener, select.EPOLLIN)

    def _close(self) -> None:
        self._poll.close()
        self._server.close()
        for each in (*self._listeners, self._ended, self._end):
            os.close(each)

    def _decide(self, listener: int) -> None:
        try:
            notice = seccomp.receive(listener)
            seccomp.answer(notice, errno.EADDRINUSE if self._is_refused(notice) else 0)
        except OSError as error:
            # ENOENT: the caller ended while it waited.
            if error.errno != errno.ENOENT:
                _LOG.warning("port tracker: %s", error)

    def _is_refused(self, notice: Notice) -> bool:
        try:
            wanted = self._read(notice)
        except (OSError, LookupError, struct.error) as error:
            _LOG.warning("port tracker: cannot read a bind of %d: %s", notice.task, error)
            return False
        return wanted is not None and wanted.port != 0 and self._refused(wanted)

    def _read(self, notice: Notice) -> Bind | None:
        """What is wanted; None where Windows is not asked: no TCP or UDP, or another namespace."""
        task = Path("/proc", str(notice.task))
        there = (task / "ns/net").stat()
        if (there.st_dev, there.st_ino) != self._namespace:
            return None
        with (task / "mem").open("rb", buffering=0) as memory:
            memory.seek(notice.address)
            address = memory.read(min(notice.length, _LONGEST_ADDRESS))
        kind = _kind_of(task, notice.descriptor)
        if kind is None or not seccomp.still_waits(notice):
            return None
        return _parsed(kind, address)


def _kind_of(task: Path, descriptor: int) -> str | None:
    lines = dict(line.split(":", 1) for line in (task / "status").read_text().splitlines())
    borrowed = seccomp.borrow(int(lines["Tgid"]), descriptor)
    try:
        with socket.socket(fileno=borrowed) as found:
            # `type` also knows SOCK_NONBLOCK and SOCK_CLOEXEC.
            return _KINDS.get((found.getsockopt(socket.SOL_SOCKET, socket.SO_TYPE), found.proto))
    except OSError:
        return None  # no socket: the kernel will say so


def _parsed(kind: str, address: bytes) -> Bind | None:
    family = int.from_bytes(address[:2], sys.byteorder)
    form = _FORMS.get(family)
    if form is None or len(address) < form.size:
        return None  # the kernel will refuse it
    port, packed = form.unpack_from(address)
    return Bind(kind, str(ipaddress.ip_address(packed)), port)
