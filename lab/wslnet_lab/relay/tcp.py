"""A listening socket whose connections are carried to somewhere else, both ways, half-closes included."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable

Dial = Callable[[], Awaitable[socket.socket]]
"""Connects to where a connection is to be carried; raises OSError when nobody answers."""

DIAL_TIMEOUT_S = 10.0
_BACKLOG = 128
_CHUNK = 65536


def bind(family: socket.AddressFamily, address: str, port: int, *, alone: bool) -> socket.socket | None:
    """A socket that listens there, or None when Windows would not give it.

    Linux lets nobody listen on one address beside a listener on all of them, Windows does: a portproxy rule
    without an address stands beside wslrelay. SO_REUSEPORT of both sides is the way round.

    Args:
        family: AF_INET or AF_INET6.
        address: An address of this machine, or the unspecified one.
        port: The port.
        alone: Also refuse where another relay listens on an address that overlaps.
    """
    if alone:
        trial = _listen(family, address, port, beside_others=False)
        if trial is None:
            return None
        trial.close()
    return _listen(family, address, port, beside_others=True)


async def serve(listening: socket.socket, dial: Dial) -> asyncio.Server:
    """Carries what connects to `listening`; closing the server leaves the connections that there are."""

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far = await asyncio.wait_for(dial(), DIAL_TIMEOUT_S)
        except OSError:
            writer.close()
            return
        far_reader, far_writer = await asyncio.open_connection(sock=far)
        await asyncio.gather(_pump(reader, far_writer), _pump(far_reader, writer))
        for each in (writer, far_writer):
            each.close()

    return await asyncio.start_server(carry, sock=listening)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while chunk := await reader.read(_CHUNK):
            writer.write(chunk)
            await writer.drain()
        writer.write_eof()
    except OSError:
        # One side broke off: so does the other.
        writer.transport.abort()


def _listen(
    family: socket.AddressFamily, address: str, port: int, *, beside_others: bool
) -> socket.socket | None:
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if beside_others:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listening.bind((address, port))
        listening.listen(_BACKLOG)
    except OSError:
        listening.close()
        return None
    listening.setblocking(False)  # noqa: FBT003 - the method's own signature
    return listening
