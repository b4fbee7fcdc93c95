"""What stands around a drill: servers in machines, for as long as it lasts."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

WINDOWS_GREETING = "this is windows"
_SERVE = (
    "import socket,sys\n"
    "s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)\n"
    "s.bind((sys.argv[1], int(sys.argv[2]))); s.listen(); print('ready', flush=True)\n"
    "while True:\n"
    "    c, _ = s.accept(); c.sendall(sys.argv[3].encode()); c.close()\n"
)


@contextmanager
def serving(lab: Any, machine: str, address: str, port: int, text: str) -> Iterator[None]:
    """A TCP server in a machine's network that says `text` and hangs up."""
    command = ["ip", "netns", "exec", lab.netns(machine), sys.executable, "-c", _SERVE]
    command += [address, str(port), text]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            assert server.stdout.readline().strip() == "ready"
            yield
        finally:
            server.kill()


@contextmanager
def windows_serves(lab: Any) -> Iterator[None]:
    """A server of Windows on port 7070 of its 127.0.0.1."""
    with serving(lab, "windows", "127.0.0.1", 7070, WINDOWS_GREETING):
        yield
