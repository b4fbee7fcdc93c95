"""Probes by TCP, UDP and the greeting of an SSH server."""

import errno
import os
import select
import socket
import time

from wslnet_linux_agent import probe_errors

TYPE_CHECKING = False
if TYPE_CHECKING:
    Aim = tuple[str, int, bytes | None]
    Answer = tuple[str, str | None]

_GREETINGS = (b"SSH-2.0-", b"SSH-1.99-")
_MOST = 65536
_UDP_SENDS = 3
_QUESTION = b"wslnet\n"


def tcp(aim: "Aim", deadline: "float") -> "Answer":
    """Connect; with `expect` the peer must also say that text."""
    expect = aim[2]
    with _open(aim[0], socket.SOCK_STREAM) as endpoint:
        problem = _connect(endpoint, aim, deadline)
        if problem is not None or expect is None:
            return problem or ("ok", None)
        said = _read(endpoint, deadline, lambda data: expect in data)
        if expect in said:
            return "ok", None
        return ("mismatch", None) if said else ("timeout", None)


def ssh(aim: "Aim", deadline: "float") -> "Answer":
    """Connect and wait for the greeting of an SSH server."""
    with _open(aim[0], socket.SOCK_STREAM) as endpoint:
        problem = _connect(endpoint, aim, deadline)
        if problem is not None:
            return problem
        said = _read(endpoint, deadline, lambda data: b"\n" in data)
        return ("ok" if said.startswith(_GREETINGS) else "no-banner"), None


def udp(aim: "Aim", deadline: "float") -> "Answer":
    """Send a datagram a few times over; any answer will do, with `expect` it must hold that text."""
    with _open(aim[0], socket.SOCK_DGRAM) as endpoint:
        endpoint.connect(aim[:2])
        pause = (deadline - time.monotonic()) / _UDP_SENDS
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                return "timeout", None
            endpoint.settimeout(min(left, pause))
            try:
                endpoint.send(_QUESTION)
                said = endpoint.recv(_MOST)
            except socket.timeout:
                continue
            except OSError as error:
                return _refused(endpoint, aim, error)
            return ("ok" if aim[2] is None or aim[2] in said else "mismatch"), None


def _open(dst: "str", kind: "int") -> "socket.socket":
    endpoint = socket.socket(socket.AF_INET6 if ":" in dst else socket.AF_INET, kind)
    probe_errors.watch(endpoint)
    return endpoint


def _connect(endpoint: "socket.socket", aim: "Aim", deadline: "float") -> "Answer | None":
    endpoint.settimeout(0)
    code = endpoint.connect_ex(aim[:2])
    if code == errno.EINPROGRESS:
        waiting = select.poll()
        waiting.register(endpoint, select.POLLOUT)
        if not waiting.poll(max(0.0, deadline - time.monotonic()) * 1000):
            return "timeout", None
        code = endpoint.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if code:
        return probe_errors.icmp_error(endpoint) or _raise(code)
    return None


def _refused(endpoint: "socket.socket", aim: "Aim", error: "OSError") -> "Answer":
    found = probe_errors.icmp_error(endpoint)
    if found == ("unreachable:port", aim[0]):
        # The host itself says that nobody listens; from a hop on the way it is a firewall.
        return "refused", aim[0]
    return found or _raise(error.errno or errno.EIO)


def _raise(code: "int") -> "Answer":
    raise OSError(code, os.strerror(code))


def _read(endpoint: "socket.socket", deadline: "float", enough: "object") -> "bytes":
    said = b""
    while len(said) < _MOST and not enough(said):  # type: ignore[operator]
        left = deadline - time.monotonic()
        if left <= 0:
            break
        endpoint.settimeout(left)
        try:
            data = endpoint.recv(4096)
        except OSError:
            # Time is up or the peer broke off: what it said so far decides.
            break
        if not data:
            break
        said += data
    return said
