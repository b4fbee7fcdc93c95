"""wslrelay: what listens on WSL's loopback listens on Windows' too (wsl-facts 5.9 and 5.14).

Started with the paths of the two network namespaces, and an address if IPv4 is not to be dialled at
127.0.0.1; ends with its standard input. As WSL's own does, it looks once a second, offers each listener
once, and connects to 127.0.0.1 or ::1 of the guest. A port that Windows holds stays with its holder.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from wslnet_lab import syscalls
from wslnet_lab.relay import tcp

if TYPE_CHECKING:
    from collections.abc import Iterator

_LOOK_EVERY_S = 1.0
_LISTEN = "0A"
# Address columns of /proc/net/tcp and tcp6 (words in host order) that loopback reaches.
_TABLES = {
    "tcp": (socket.AF_INET, frozenset({"00000000", "0100007F"})),
    "tcp6": (socket.AF_INET6, frozenset({"0" * 32, "0" * 24 + "01000000"})),
}
_LOOPBACK = {socket.AF_INET: "127.0.0.1", socket.AF_INET6: "::1"}

Listener = tuple[socket.AddressFamily, str, int]


class Guest:
    """WSL's network namespace, entered for a moment by this process's one thread."""

    def __init__(self, windows: int, wsl: int, address: str | None = None) -> None:
        """Takes both namespaces as open files, and the IPv4 address to dial."""
        self._windows = windows
        self._wsl = wsl
        self._dialled = {**_LOOPBACK, socket.AF_INET: address or _LOOPBACK[socket.AF_INET]}

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Everything in the block, sockets made in it too, belongs to the guest. Do not await in it."""
        syscalls.setns(self._wsl, syscalls.CLONE_NEWNET)
        try:
            yield
        finally:
            syscalls.setns(self._windows, syscalls.CLONE_NEWNET)

    def listeners(self) -> set[Listener]:
        """Its listening TCP sockets on any address and on loopback."""
        found = set()
        with self.entered():
            texts = {name: Path("/proc/thread-self/net", name).read_text("ascii") for name in _TABLES}
        for name, (family, addresses) in _TABLES.items():
            for row in texts[name].splitlines()[1:]:
                _, local, _, state = row.split()[:4]
                address, _, port = local.partition(":")
                if state == _LISTEN and address in addresses:
                    found.add((family, address, int(port, 16)))
        return found

    async def dial(self, family: socket.AddressFamily, port: int) -> socket.socket:
        """Connects to the guest's own loopback.

        Raises:
            OSError: Nobody listens there any more.
        """
        with self.entered():
            far = socket.socket(family, socket.SOCK_STREAM)
        far.setblocking(False)  # noqa: FBT003 - the method's own signature
        try:
            await asyncio.get_running_loop().sock_connect(far, (self._dialled[family], port))
        except BaseException:
            far.close()
            raise
        return far


async def relay(guest: Guest) -> None:
    """Follows the guest's listeners for ever."""
    offered: dict[Listener, asyncio.Server | None] = {}
    while True:
        now = guest.listeners()
        for gone in offered.keys() - now:
            server = offered.pop(gone)
            if server is not None:
                server.close()
        for fresh in sorted(now - offered.keys()):
            offered[fresh] = await _offer(guest, fresh)
        await asyncio.sleep(_LOOK_EVERY_S)


async def _offer(guest: Guest, listener: Listener) -> asyncio.Server | None:
    family, _, port = listener
    listening = tcp.bind(family, _LOOPBACK[family], port, alone=True)
    if listening is None:
        return None
    return await tcp.serve(listening, lambda: guest.dial(family, port))


async def _main(guest: Guest) -> None:
    following = asyncio.create_task(relay(guest))
    asyncio.get_running_loop().add_reader(sys.stdin.fileno(), following.cancel)
    await asyncio.wait([following])
    if not following.cancelled():
        following.result()


def main() -> None:
    """Runs until standard input ends."""
    windows, wsl = (os.open(path, os.O_RDONLY | os.O_CLOEXEC) for path in sys.argv[1:3])
    syscalls.setns(windows, syscalls.CLONE_NEWNET)
    syscalls.name_process("wslrelay")
    asyncio.run(_main(Guest(windows, wsl, next(iter(sys.argv[3:]), None))))


if __name__ == "__main__":
    main()
