"""Opens the TCP connection under SSH: directly or through a SOCKS5 proxy, tuned so that no turn stalls.

paramiko never sets TCP_NODELAY, and a delayed acknowledgement costs 40 ms a turn (linux-facts C, finding 1).
"""

from __future__ import annotations

import errno
import socket
import sys
import threading
from typing import Any
from urllib.parse import urlsplit

from wslnet.errors import DeadlineExceeded, InputError, Unreachable
from wslnet.transport.pipe import left

_SOCKS_PORT = 1080


class PromptSocket(socket.socket):
    """A connected TCP socket that neither holds back small packets nor (on Linux) acknowledgements."""

    def arm(self) -> None:
        """Switch off Nagle's algorithm, for good."""
        self.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def recv(self, size: int, flags: int = 0) -> bytes:
        """Receive as every socket does."""
        data = super().recv(size, flags)
        if sys.platform == "linux":
            # The kernel forgets this after a while, so it is said again each time.
            self.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        return data


def dial(machine: str, host: str, port: int, proxy: str | None, deadline: float) -> PromptSocket:
    """Connect.

    Args:
        machine: name for messages.
        host: address or name; with `socks5h` the proxy resolves it.
        port: TCP port.
        proxy: `socks5h://HOST:PORT`, `socks5://…` or None.
        deadline: point of `time.monotonic`.

    Raises:
        InputError: the proxy's URL is none.
        Unreachable: nobody is there; DeadlineExceeded: nobody answers in time.
    """
    way = f"{host}:{port}" + (f" through {proxy}" if proxy else "")
    try:
        plain = (
            _through_proxy(machine, host, port, proxy, deadline) if proxy else _direct(host, port, deadline)
        )
    except OSError as error:
        if isinstance(error, TimeoutError) or left(deadline) == 0:
            raise DeadlineExceeded(f"{machine}: {way} does not answer in time", machine=machine) from error
        raise Unreachable(f"{machine}: {way}: {_reason(error)}", machine=machine) from error
    family, kind, protocol = plain.family, plain.type, plain.proto
    prompt = PromptSocket(family, kind, protocol, fileno=plain.detach())
    prompt.arm()
    return prompt


def _direct(host: str, port: int, deadline: float) -> socket.socket:
    problem: OSError = TimeoutError(errno.ETIMEDOUT, "no address")
    for family, kind, protocol, _, address in _resolve(host, port, deadline):
        plain = socket.socket(family, kind, protocol)
        try:
            plain.settimeout(max(left(deadline), 0.001))
            plain.connect(address)
        except OSError as error:
            plain.close()
            problem = error
        else:
            return plain
    raise problem


def _resolve(host: str, port: int, deadline: float) -> list[Any]:
    """Give what getaddrinfo gives, in time: itself it knows no time-out."""
    found: list[Any] = []

    def ask() -> None:
        try:
            found.extend(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except OSError as error:
            found.append(error)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(left(deadline))
    answers = list(found)
    if answers and isinstance(answers[0], OSError):
        raise answers[0]
    return answers


def _through_proxy(machine: str, host: str, port: int, proxy: str, deadline: float) -> socket.socket:
    import socks  # noqa: PLC0415 - only those who have a proxy pay for it

    parts = urlsplit(proxy)
    if parts.scheme not in ("socks5", "socks5h") or not parts.hostname:
        raise InputError(f"{machine}: proxy must be socks5h://HOST:PORT, not {proxy}", machine=machine)
    connection: Any = socks.socksocket()
    try:
        connection.set_proxy(
            socks.SOCKS5,
            parts.hostname,
            parts.port or _SOCKS_PORT,
            rdns=parts.scheme == "socks5h",
            username=parts.username,
            password=parts.password,
        )
        connection.settimeout(max(left(deadline), 0.001))
        connection.connect((host, port))
    except BaseException:
        connection.close()
        raise
    plain: socket.socket = connection
    return plain


def _reason(error: OSError) -> str:
    # PySocks keeps the socket's own error inside; its text says more than the wrapping.
    inner = getattr(error, "socket_err", None)
    return str(getattr(inner, "strerror", None) or inner or error.strerror or error)
