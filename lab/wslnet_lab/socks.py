"""The way from this host into the lab: a SOCKS5 proxy on 127.0.0.1 that dials from a machine's namespace.

RFC 1928, CONNECT only, no authentication, IPv4 and IPv6 numbers (a name that spells a number counts as one,
nothing is looked up). There is no link and no route between this host and the lab; this is the only door.
"""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import logging
import socket
import socketserver
import struct
import threading

from wslnet_lab import netns
from wslnet_lab.errors import LabError

_LOG = logging.getLogger(__name__)

_VERSION = 5
_NO_AUTHENTICATION = 0
_NONE_ACCEPTABLE = 0xFF
_CONNECT = 1
_IPV4, _NAME, _IPV6 = 1, 3, 4

_FAILED, _HOST_UNREACHABLE, _REFUSED = 1, 4, 5
_NETWORK_UNREACHABLE, _NO_SUCH_COMMAND, _NO_SUCH_ADDRESS = 3, 7, 8
_REPLIES = {
    errno.ECONNREFUSED: _REFUSED,
    errno.ENETUNREACH: _NETWORK_UNREACHABLE,
    errno.EHOSTUNREACH: _HOST_UNREACHABLE,
    errno.ETIMEDOUT: _HOST_UNREACHABLE,
}

_GREETING_TIMEOUT_S = 10.0
_DIAL_TIMEOUT_S = 20.0
_CHUNK = 65536


class _Refusal(Exception):
    """The request cannot be served; `reply` is the number RFC 1928 has for it."""

    def __init__(self, reply: int) -> None:
        super().__init__(reply)
        self.reply = reply


class _Handler(socketserver.BaseRequestHandler):
    server: SocksProxy
    request: socket.socket

    def handle(self) -> None:
        client = self.request
        client.settimeout(_GREETING_TIMEOUT_S)
        try:
            host, port = _read_request(client)
            far = self.server.dial(host, port)
        except _Refusal as refusal:
            client.sendall(struct.pack("!BBxB4xH", _VERSION, refusal.reply, _IPV4, 0))
            return
        except OSError as error:
            _LOG.info("socks: %s", error)
            return
        with far:
            client.sendall(struct.pack("!BBxB4xH", _VERSION, 0, _IPV4, 0))
            self.server.relay(client, far)


class SocksProxy(socketserver.ThreadingTCPServer):
    """A running proxy: `port` is where it listens on 127.0.0.1, `namespace` where its sockets are dialled."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, namespace: str) -> None:
        self._namespace = namespace
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        super().__init__(("127.0.0.1", 0), _Handler)
        self.port: int = self.server_address[1]
        threading.Thread(target=self.serve_forever, name="socks", daemon=True).start()

    def dial(self, host: str, port: int) -> socket.socket:
        """Connects from inside the namespace.

        Raises:
            _Refusal: With the reply for the client.
        """

        def connect() -> socket.socket:
            return socket.create_connection((host, port), timeout=_DIAL_TIMEOUT_S)

        try:
            return netns.run_in(self._namespace, connect)
        except LabError:
            raise _Refusal(_NETWORK_UNREACHABLE) from None
        except TimeoutError:
            raise _Refusal(_HOST_UNREACHABLE) from None
        except OSError as error:
            raise _Refusal(_REPLIES.get(error.errno or 0, _FAILED)) from None

    def relay(self, near: socket.socket, far: socket.socket) -> None:
        """Carries bytes both ways until both sides have closed; one side closing leaves the other open."""
        for side in (near, far):
            side.settimeout(None)
            side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._lock:
            self._open |= {near, far}
        try:
            back = threading.Thread(target=_carry, args=(far, near), daemon=True)
            back.start()
            _carry(near, far)
            back.join()
        finally:
            with self._lock:
                self._open -= {near, far}

    def drop_connections(self) -> None:
        """Cuts everything that is being relayed; what a reboot of Windows does to its connections."""
        with self._lock:
            for side in self._open:
                with contextlib.suppress(OSError):  # the peer may have gone first
                    side.shutdown(socket.SHUT_RDWR)


def _carry(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(_CHUNK):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        # One direction broke: so has the other, and both ends must hear of it.
        for side in (source, target):
            with contextlib.suppress(OSError):
                side.shutdown(socket.SHUT_RDWR)


def _read_request(client: socket.socket) -> tuple[str, int]:
    version, count = _receive(client, 2)
    methods = _receive(client, count)
    if version != _VERSION:
        raise OSError(f"SOCKS version {version}")
    if _NO_AUTHENTICATION not in methods:
        client.sendall(bytes((_VERSION, _NONE_ACCEPTABLE)))
        raise OSError("the client wants authentication")
    client.sendall(bytes((_VERSION, _NO_AUTHENTICATION)))
    _, command, _, kind = _receive(client, 4)
    if kind == _NAME:
        host = _number(_receive(client, _receive(client, 1)[0]))
    elif kind in (_IPV4, _IPV6):
        host = str(ipaddress.ip_address(_receive(client, 4 if kind == _IPV4 else 16)))
    else:
        raise _Refusal(_NO_SUCH_ADDRESS)
    (port,) = struct.unpack("!H", _receive(client, 2))
    if command != _CONNECT:
        raise _Refusal(_NO_SUCH_COMMAND)
    if not host:
        raise _Refusal(_HOST_UNREACHABLE)
    return host, port


def _number(name: bytes) -> str:
    """The address that a name spells, empty for a real name: those nobody here can look up."""
    try:
        return str(ipaddress.ip_address(name.decode("ascii")))
    except ValueError:
        return ""


def _receive(client: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        more = client.recv(count - len(data))
        if not more:
            raise OSError("the client hung up in its request")
        data += more
    return data
