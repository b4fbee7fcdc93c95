"""The daemon's sockets: one JSON request a line, one JSON answer a line (docs/protocols.md section 3).

Server and client of the framing only; what the methods do is said by whoever registers them.
"""

from __future__ import annotations

import json
import logging
import socket
import socketserver
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from wslnet_lab.errors import LabError, NotRunning, UsageError

if TYPE_CHECKING:
    from pathlib import Path

Method = Callable[..., Any]

_LOG = logging.getLogger(__name__)
_LINE_LIMIT = 64 * 1024 * 1024


class _Handler(socketserver.StreamRequestHandler):
    server: Server

    def handle(self) -> None:
        while line := self.rfile.readline(_LINE_LIMIT):
            self.wfile.write(json.dumps(self.server.answer(line)).encode() + b"\n")


class Server(socketserver.ThreadingUnixStreamServer):
    """Answers requests on a socket of its own, each connection in a thread.

    A method gets the request's `params` as keyword arguments. What it raises becomes an error answer, with
    its own code for a `LabError`, else `failed`; what is not in `expected` is logged with its trace.
    """

    daemon_threads = True
    allow_reuse_address = True

    def __init__(
        self, path: Path, methods: Mapping[str, Method], expected: tuple[type[Exception], ...] = (LabError,)
    ) -> None:
        self._methods = methods
        self._expected = expected
        path.unlink(missing_ok=True)
        super().__init__(str(path), _Handler)
        path.chmod(0o600)
        threading.Thread(target=self.serve_forever, name=f"serve {path.name}", daemon=True).start()

    def answer(self, line: bytes) -> dict[str, Any]:
        """The answer to one request line."""
        try:
            request = json.loads(line)
            result = self._find(request["method"])(**(request.get("params") or {}))
        except self._expected as error:
            code = error.code if isinstance(error, LabError) else LabError.code
            return {"error": {"code": code, "message": str(error)}}
        except Exception as error:  # noqa: BLE001 - a fault here must not leave a client without an answer
            _LOG.warning("control request %.200r", line, exc_info=error)
            return {"error": {"code": LabError.code, "message": f"{type(error).__name__}: {error}"}}
        return {"result": result}

    def _find(self, name: str) -> Method:
        if name not in self._methods:
            raise UsageError(f"no method {name!r}")
        return self._methods[name]


def call(path: Path, method: str, params: Mapping[str, object], *, timeout_s: float) -> Any:  # noqa: ANN401
    """Asks a server and gives its result.

    Raises:
        NotRunning: Nobody serves that socket.
        LabError: It answered with an error, or not within `timeout_s` seconds.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(timeout_s)
        try:
            connection.connect(str(path))
            connection.sendall(json.dumps({"method": method, "params": dict(params)}).encode() + b"\n")
            with connection.makefile("rb") as stream:
                line = stream.readline(_LINE_LIMIT)
        except TimeoutError:
            raise LabError(f"{method}: no answer from the lab within {timeout_s:g} s") from None
        except OSError as error:
            raise NotRunning(f"the lab's daemon does not run ({path}: {error.strerror})") from None
    if not line:
        raise LabError(f"{method}: the lab's daemon hung up")
    reply = json.loads(line)
    if "error" in reply:
        failure = LabError(reply["error"]["message"])
        failure.code = reply["error"]["code"]
        if failure.code == UsageError.code:
            raise UsageError(str(failure))
        raise failure
    return reply["result"]
