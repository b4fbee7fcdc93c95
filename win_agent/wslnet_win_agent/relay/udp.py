"""A relay of UDP: what comes to some addresses of this machine goes to one target, the answers go back.

Stands beside netsh's portproxy, which carries TCP only (windows-facts 3). One thread, one socket a peer, both
kinds bounded; it opens no file, starts nothing and looks into no datagram.
"""

from __future__ import annotations

import selectors
import socket
import time
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Place = tuple[str, int]
"""An IPv4 address and a port."""

MOST_SESSIONS = 256
"""`select` of Windows' Python takes 512 sockets; the peer that was silent for longest makes room."""

IDLE_S = 120.0
_LARGEST = 65535
_AGAIN_S = 2.0
_LOOK_EVERY_S = 1.0
_AT_ONCE = 64
"""Datagrams that one socket may have passed on before the others are looked at."""


@dataclass
class _Session:
    """One peer at one of our addresses, with the socket that stands for it before the target."""

    listening: socket.socket
    peer: Place
    far: socket.socket
    used: float


@dataclass
class UdpRelay:
    """Carries datagrams between `listens` and `target` until it is told to end.

    Attributes:
        listens: Where peers send to; one that is not there yet is tried again.
        target: Who answers.
        idle_s: How long a peer may be silent, both ways, before it is forgotten.
        most: How many peers there may be at once.
        clock: Seconds that only go forward.
    """

    listens: tuple[Place, ...]
    target: Place
    idle_s: float = IDLE_S
    most: int = MOST_SESSIONS
    clock: Callable[[], float] = time.monotonic
    _open: dict[Place, socket.socket] = field(default_factory=dict)
    _sessions: OrderedDict[tuple[Place, Place], _Session] = field(default_factory=OrderedDict)
    _selector: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector)
    _tried: float = field(default=-_AGAIN_S)

    @property
    def listening(self) -> frozenset[Place]:
        """Where it listens now."""
        return frozenset(self._open)

    @property
    def peers(self) -> int:
        """How many peers it knows now."""
        return len(self._sessions)

    def serve(self, is_over: Callable[[], bool]) -> None:
        """Carries until `is_over`, which is asked at least once a second; closes everything then."""
        try:
            while not is_over():
                self.step(_LOOK_EVERY_S)
        finally:
            self.close()

    def step(self, wait_s: float) -> None:
        """Waits at most `wait_s` for datagrams, carries them, and forgets who was silent too long."""
        self._listen()
        if not self._open:
            time.sleep(wait_s)
            return
        for key, _ in self._selector.select(wait_s):
            if isinstance(key.data, _Session):
                self._back(key.data)
            else:
                self._onward(key.data)
        self._forget_idle()

    def close(self) -> None:
        """Closes every socket."""
        for session in list(self._sessions.values()):
            self._end(session)
        for listening in self._open.values():
            self._selector.unregister(listening)
            listening.close()
        self._open.clear()
        self._selector.close()

    def _listen(self) -> None:
        now = self.clock()
        if len(self._open) == len(self.listens) or now - self._tried < _AGAIN_S:
            return
        self._tried = now
        for place in self.listens:
            if place not in self._open and (made := _bound(place)) is not None:
                self._open[place] = made
                self._selector.register(made, selectors.EVENT_READ, place)

    def _onward(self, place: Place) -> None:
        for payload, peer in _datagrams(self._open[place]):
            session = self._session(place, peer)
            if session is not None:
                # What the target does not take is lost, as on any network.
                with suppress(OSError):
                    session.far.send(payload)

    def _back(self, session: _Session) -> None:
        for payload, _ in _datagrams(session.far):
            self._touch(session)
            with suppress(OSError):
                session.listening.sendto(payload, session.peer)

    def _session(self, place: Place, peer: Place) -> _Session | None:
        found = self._sessions.get((place, peer))
        if found is None:
            if len(self._sessions) >= self.most:
                self._end(next(iter(self._sessions.values())))
            far = _connected(self.target)
            if far is None:
                return None
            found = self._sessions[place, peer] = _Session(self._open[place], peer, far, self.clock())
            self._selector.register(far, selectors.EVENT_READ, found)
        self._touch(found)
        return found

    def _touch(self, session: _Session) -> None:
        session.used = self.clock()
        self._sessions.move_to_end((_place(session.listening), session.peer))

    def _forget_idle(self) -> None:
        """The one that was used last stands last, so the first that is not idle ends the search."""
        limit = self.clock() - self.idle_s
        for session in list(self._sessions.values()):
            if session.used > limit:
                return
            self._end(session)

    def _end(self, session: _Session) -> None:
        del self._sessions[_place(session.listening), session.peer]
        self._selector.unregister(session.far)
        session.far.close()


def _datagrams(source: socket.socket) -> Iterable[tuple[bytes, Place]]:
    """What has come, and from whom; an ICMP error about an earlier datagram raises, and does not matter."""
    for _ in range(_AT_ONCE):
        try:
            yield source.recvfrom(_LARGEST)
        except BlockingIOError:
            return
        except OSError:
            continue


def _bound(place: Place) -> socket.socket | None:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        made.setblocking(False)  # noqa: FBT003 - the method's own signature
        made.bind(place)
    except OSError:
        made.close()
        return None
    return made


def _connected(target: Place) -> socket.socket | None:
    """A socket that hears the target alone."""
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        made.setblocking(False)  # noqa: FBT003 - as above
        made.connect(target)
    except OSError:
        made.close()
        return None
    return made


def _place(listening: socket.socket) -> Place:
    address, port = listening.getsockname()
    return address, port
