"""A small HTTP/1.1 server: keep-alive, one thread per connection, one write per response.

It knows nothing of WS-Management. Each connection gets a handler of its own, because a logon belongs to it.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from http import HTTPStatus

_HEAD_LIMIT = 65536
_BODY_LIMIT = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One request; header names in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """One response; `close` ends the connection after it."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    close: bool = False

    def encode(self) -> bytes:
        """The bytes on the wire."""
        phrase = HTTPStatus(self.status).phrase
        lines = [
            f"HTTP/1.1 {self.status} {phrase}",
            *(f"{name}: {value}" for name, value in self.headers.items()),
            "Server: Microsoft-HTTPAPI/2.0",
            f"Date: {formatdate(usegmt=True)}",
            *(["Connection: close"] if self.close else []),
            f"Content-Length: {len(self.body)}",
        ]
        return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + self.body


Handler = Callable[[HttpRequest], HttpResponse | None]
"""Answers the requests of one connection; None breaks it."""


class BadRequestError(ValueError):
    """Bytes that are no HTTP/1.1 request of a kind this server takes."""


class HttpServer:
    """Listens on all addresses of the namespace it is started in."""

    def __init__(
        self,
        make_handler: Callable[[str], Handler],
        idle_s: Callable[[], float | None],
        port: int,
        address: str = "",
    ) -> None:
        """Binds and listens; `port` 0 takes a free one, an empty `address` means all, IPv6 included.

        `make_handler` takes the client's address; `idle_s` says how long a connection may be silent.
        Raises OSError if the port is taken.
        """
        self._make_handler = make_handler
        self._idle_s = idle_s
        self._socket = _listen(address, port)
        self.port: int = self._socket.getsockname()[1]
        self._connections: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._closed = False

    def serve(self) -> None:
        """Accepts connections until `close`."""
        while not self._closed:
            try:
                connection, peer = self._socket.accept()
            except OSError:
                return
            with self._lock:
                self._connections.add(connection)
            client = str(peer[0]).removeprefix("::ffff:")
            threading.Thread(
                target=self._serve_connection, args=(connection, client), name=f"http-{client}", daemon=True
            ).start()

    def start(self) -> None:
        """Serves in a thread of its own."""
        threading.Thread(target=self.serve, name="http-accept", daemon=True).start()

    def close(self) -> None:
        """Stops listening and breaks all connections."""
        self._closed = True
        with contextlib.suppress(OSError):  # a listener that is already gone is what we want
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        with self._lock:
            connections = list(self._connections)
        for connection in connections:
            with contextlib.suppress(OSError):  # the peer may have gone first
                connection.shutdown(socket.SHUT_RDWR)

    def _serve_connection(self, connection: socket.socket, client: str) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        handler = self._make_handler(client)
        buffer = bytearray()
        try:
            while (request := self._read(connection, buffer)) is not None:
                response = handler(request)
                if response is None:
                    return
                connection.sendall(response.encode())
                if response.close or request.headers.get("connection", "").lower() == "close":
                    return
        except BadRequestError:
            with contextlib.suppress(OSError):  # whoever sends rubbish may not wait for an answer
                connection.sendall(HttpResponse(400, close=True).encode())
        except OSError:
            return  # the client went away or was idle for too long
        finally:
            with self._lock:
                self._connections.discard(connection)
            connection.close()

    def _read(self, connection: socket.socket, buffer: bytearray) -> HttpRequest | None:
        """The next request, or None at the end of the connection; raises TimeoutError when idle too long."""
        connection.settimeout(self._idle_s())
        while b"\r\n\r\n" not in buffer:
            if len(buffer) > _HEAD_LIMIT:
                raise BadRequestError("the head is too long")
            if not _fill(connection, buffer):
                return None
        head, _, rest = bytes(buffer).partition(b"\r\n\r\n")
        method, path, headers = _parse_head(head.decode("latin-1"))
        length = _length_of(headers)
        if headers.get("expect", "").lower() == "100-continue":
            connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        buffer[:] = rest
        while len(buffer) < length:
            if not _fill(connection, buffer):
                return None
        body = bytes(buffer[:length])
        del buffer[:length]
        return HttpRequest(method, path, headers, body)


def _listen(address: str, port: int) -> socket.socket:
    if address:
        return socket.create_server((address, port))
    if socket.has_dualstack_ipv6():
        with contextlib.suppress(OSError):  # no IPv6 in this namespace: IPv4 alone
            return socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True)
    return socket.create_server(("0.0.0.0", port))


def _fill(connection: socket.socket, buffer: bytearray) -> bool:
    data = connection.recv(262144)
    buffer += data
    return bool(data)


def _parse_head(head: str) -> tuple[str, str, dict[str, str]]:
    first, *lines = head.split("\r\n")
    words = first.split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1."):  # noqa: PLR2004 - method, path and version
        raise BadRequestError("no request line")
    headers = {}
    for line in lines:
        name, found, value = line.partition(":")
        if not found:
            raise BadRequestError("a header without a colon")
        headers[name.strip().lower()] = value.strip()
    return words[0], words[1], headers


def _length_of(headers: Mapping[str, str]) -> int:
    text = headers.get("content-length", "0")
    if "transfer-encoding" in headers or not text.isdigit() or int(text) > _BODY_LIMIT:
        raise BadRequestError("a body of unknown or too great length")
    return int(text)
