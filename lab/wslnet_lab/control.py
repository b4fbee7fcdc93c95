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
from pathlib import Path
from typing import Any

from wslnet_lab.errors import LabError, NotRunning, UsageError
from wslnet_lab.fabric.netns import FabricError

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

    A method gets the request's `params` as keyword arguments. `LabError` and `FabricError` become error
    answers with their code; anything else becomes `failed` and is logged, so that no client waits for ever.
    """

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, path: Path, methods: Mapping[str, Method]) -> None:
        self._methods = methods
        path.unlink(missing_ok=True)
        super().__init__(str(path), _Handler)
        path.chmod(0o600)
        threading.Thread(target=self.serve_forever, name=f"serve {path.name}", daemon=True).start()

    def answer(self, line: bytes) -> dict[str, Any]:
        """The answer to one request line."""
        try:
            request = json.loads(line)
            name, params = request["method"], request.get("params") or {}
            method = self._methods.get(name)
            if method is None:
                raise UsageError(f"no method {name!r}")
            return {"result": method(**params)}
        except LabError as error:
            return {"error": {"code": error.code, "message": str(error)}}
        except FabricError as error:
            return {"error": {"code": "failed", "message": str(error)}}
        except Exception as error:  # a fault here must not leave the client without an answer
            _LOG.exception("control request %.200r", line)
            return {"error": {"code": "failed", "message": f"{type(error).__name__}: {error}"}}


def call(path: Path, method: str, params: Mapping[str, object], *, timeout_s: float) -> Any:  # noqa: ANN401 - JSON
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
