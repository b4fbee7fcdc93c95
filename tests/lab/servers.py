"""Servers in a machine's network for as long as a test asks them, and what a client of another machine hears.

Programs of this host, so no machine needs to have them.
"""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

GREET = (
    "import socket,sys\n"
    "s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)\n"
    "s.bind((sys.argv[1], int(sys.argv[2]))); s.listen(); print('ready', flush=True)\n"
    "while True:\n"
    # The client closes first: what waits on the server's side after that would keep the port with WSL.
    "    c, peer = s.accept(); c.settimeout(1)\n"
    "    try: c.sendall((sys.argv[3] or peer[0]).encode()); c.recv(1)\n"
    "    except OSError: pass\n"
    "    c.close()\n"
)
"""Takes an address, a port and a text, and says `text` (empty: the client's address) to whoever connects."""

LISTEN = (
    "import socket,sys\n"
    "s = socket.create_connection((sys.argv[1], int(sys.argv[2])), 3); s.settimeout(3)\n"
    "print(s.recv(64).decode())\n"
)
"""Takes an address and a port, and prints what the server there says first."""

_ANSWER = (
    "import socket,sys\n"
    "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(('0.0.0.0', int(sys.argv[1])))\n"
    "print('ready', flush=True)\n"
    "while True:\n"
    "    _, peer = s.recvfrom(64); s.sendto(sys.argv[2].encode(), peer)\n"
)
_ASK = (
    "import socket,sys\n"
    "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(3)\n"
    "s.sendto(b'?', (sys.argv[1], int(sys.argv[2]))); print(s.recv(64).decode())\n"
)


@contextmanager
def program(space: str, source: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A Python program in a network namespace that says `ready` once it is; it is killed in the end."""
    command = ["ip", "netns", "exec", space, sys.executable, "-c", source, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            assert server.stdout.readline().strip() == "ready", command
            yield server
        finally:
            server.kill()


@contextmanager
def greeting(lab: Any, machine: str, address: str, port: int, text: str = "") -> Iterator[None]:
    """A TCP server in a machine that says `text`, or else from which address it was asked."""
    with program(lab.netns(machine), GREET, address, str(port), text):
        yield


def heard(lab: Any, source: str, address: str, port: int) -> str | None:
    """What a server behind a TCP port says first, to a client in `source`; None if none is reached."""
    done = lab.outside(source, [sys.executable, "-c", LISTEN, address, str(port)])
    return done.stdout.strip() if done.returncode == 0 else None


def greets(lab: Any, source: str, address: str, port: int = 22, start: str = "SSH-2.0") -> bool:
    """Whether a client in `source` hears a server that begins with `start`."""
    return (heard(lab, source, address, port) or "").startswith(start)


@contextmanager
def answering(lab: Any, machine: str, port: int, text: str) -> Iterator[None]:
    """A UDP server in a machine that answers every datagram with `text`."""
    with program(lab.netns(machine), _ANSWER, str(port), text):
        yield


def answer(lab: Any, source: str, address: str, port: int) -> str | None:
    """What a server behind a UDP port answers a client in `source`; None if nothing comes."""
    done = lab.outside(source, [sys.executable, "-c", _ASK, address, str(port)])
    return done.stdout.strip() if done.returncode == 0 else None
