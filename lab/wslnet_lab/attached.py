"""Sockets whose client hands over its standard streams: a request with descriptors, an answer at its end.

One JSON line each way. The connection stands as long as the client waits, so a client that goes away is
noticed. What is done with the streams is said by whoever serves.
"""

from __future__ import annotations

import json
import os
import socket
import socketserver
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from wslnet_lab.errors import LabError

if TYPE_CHECKING:
    from pathlib import Path

_LINE_LIMIT = 1 << 20
_STREAMS = 3


@dataclass(frozen=True, slots=True)
class Streams:
    """The standard streams of a client (descriptors), and whether the client has gone."""

    stdin: int
    stdout: int
    stderr: int
    gone: threading.Event

    def say(self, stdout: bytes, stderr: bytes) -> None:
        """Writes to both output streams; a client that no longer listens is told nothing."""
        for descriptor, text in ((self.stdout, stdout), (self.stderr, stderr)):
            rest = text
            try:
                while rest:
                    rest = rest[os.write(descriptor, rest) :]
            except OSError:
                self.gone.set()


Act = Callable[[dict[str, Any], Streams], dict[str, Any]]
"""Serves one request: what was asked and the streams in, the answer out."""


class _Handler(socketserver.BaseRequestHandler):
    server: AttachedServer

    def handle(self) -> None:
        line, descriptors, _, _ = socket.recv_fds(self.request, _LINE_LIMIT, _STREAMS)
        try:
            if len(descriptors) != _STREAMS:
                return
            gone = threading.Event()
            streams = Streams(descriptors[0], descriptors[1], descriptors[2], gone)
            threading.Thread(target=self._watch, args=(gone,), daemon=True).start()
            answer = self.server.answer(line, streams)
            gone.set()
            try:
                self.request.sendall(json.dumps(answer).encode() + b"\n")
            except OSError:
                return  # the client did not wait for its answer
        finally:
            for descriptor in descriptors:
                os.close(descriptor)

    def _watch(self, gone: threading.Event) -> None:
        try:
            self.request.recv(1)
        except OSError:
            gone.set()
        gone.set()


class AttachedServer(socketserver.ThreadingUnixStreamServer):
    """Serves such a socket, each client in a thread of its own."""

    daemon_threads = True

    def __init__(self, path: Path, act: Act) -> None:
        """Binds `path` (mode 600) and serves at once."""
        self._act = act
        path.unlink(missing_ok=True)
        super().__init__(str(path), _Handler)
        path.chmod(0o600)
        threading.Thread(target=self.serve_forever, name=f"serve {path.name}", daemon=True).start()

    def answer(self, line: bytes, streams: Streams) -> dict[str, Any]:
        """The answer to one request, an error in words if it cannot be done."""
        try:
            return self._act(json.loads(line), streams)
        except LabError as error:
            return {"error": {"code": error.code, "message": str(error)}}


def call(path: Path, request: dict[str, Any], streams: Streams) -> dict[str, Any]:
    """Asks a server with these streams and waits for its answer, or until their client has gone.

    Raises:
        LabError: Nobody serves there, the answer is an error, or the client has gone.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        try:
            connection.connect(str(path))
            line = json.dumps(request).encode() + b"\n"
            socket.send_fds(connection, [line], [streams.stdin, streams.stdout, streams.stderr])
            threading.Thread(target=_hang_up, args=(connection, streams.gone), daemon=True).start()
            with connection.makefile("rb") as stream:
                answer = stream.readline(_LINE_LIMIT)
        except OSError as error:
            raise LabError(f"{path}: {error.strerror}") from None
    if not answer:
        raise LabError(f"{path.name}: no answer")
    reply: dict[str, Any] = json.loads(answer)
    if "error" in reply:
        failure = LabError(reply["error"]["message"])
        failure.code = reply["error"]["code"]
        raise failure
    return reply


def _hang_up(connection: socket.socket, gone: threading.Event) -> None:
    gone.wait()
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # the answer was there first
