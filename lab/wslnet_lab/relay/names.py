"""Windows answers WSL's questions for names: as ICS' proxy on the gateway, or as the end of WSL's tunnel.

Started with the path of a network namespace, the kind, the address, and the names as JSON; ends with its
standard input. The proxy has UDP alone, the tunnel TCP too (wsl-facts 6, no. 15). It knows IPv4 addresses of
the names it was given; of any other it says that nobody could tell it, for behind this Windows is no server.
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
import os
import struct
import sys
from typing import TYPE_CHECKING, cast

from wslnet_lab import syscalls

if TYPE_CHECKING:
    from collections.abc import Mapping

PROXY, TUNNEL = "proxy", "tunnel"
_PROCESS = {PROXY: "svchost", TUNNEL: "init"}
_PORT = 53
_READ_TIMEOUT_S = 10.0
# RFC 1035 4.1.1: an answer, recursion wished and there; and the codes of success and of a server's failure.
_RESPONSE = 0x8180
_NO_ERROR, _FORMAT_ERROR, _SERVER_FAILURE = 0, 1, 2
_HEADER = struct.Struct("!6H")
_QUESTION = struct.Struct("!HH")
# A pointer to the name of the question, A, IN, seconds to live, length.
_RECORD = struct.Struct("!HHHIH")
_QUESTION_AT = 0xC000 | _HEADER.size
_A, _IN, _TTL_S = 1, 1, 30
_LENGTH = struct.Struct("!H")


def answer(question: bytes, names: Mapping[str, str]) -> bytes:
    """The answer to one question, both as on the wire; `names` in small letters give IPv4 addresses.

    Raises:
        ValueError: It is too short to be answered.
    """
    if len(question) < _HEADER.size:
        raise ValueError("no header")
    identity, _, count, *_ = _HEADER.unpack_from(question)
    try:
        name, end = _name(question) if count == 1 else ("", 0)
        kind, _ = _QUESTION.unpack_from(question, end)
    except (IndexError, struct.error, UnicodeDecodeError):
        count = 0
    if count != 1:
        return _HEADER.pack(identity, _RESPONSE | _FORMAT_ERROR, 0, 0, 0, 0)
    asked = question[_HEADER.size : end + _QUESTION.size]
    address = names.get(name.lower())
    if address is None:
        return _HEADER.pack(identity, _RESPONSE | _SERVER_FAILURE, 1, 0, 0, 0) + asked
    if kind != _A:
        return _HEADER.pack(identity, _RESPONSE | _NO_ERROR, 1, 0, 0, 0) + asked
    data = ipaddress.IPv4Address(address).packed
    record = _RECORD.pack(_QUESTION_AT, _A, _IN, _TTL_S, len(data)) + data
    return _HEADER.pack(identity, _RESPONSE | _NO_ERROR, 1, 1, 0, 0) + asked + record


def _name(question: bytes) -> tuple[str, int]:
    """The name that is asked for, and where it ends."""
    labels, at = [], _HEADER.size
    while size := question[at]:
        labels.append(question[at + 1 : at + 1 + size].decode("ascii"))
        at += 1 + size
    return ".".join(labels), at + 1


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = names

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # By its duty alone: Python 3.11's own is no subclass of it.
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if len(data) >= _HEADER.size:
            self._transport.sendto(answer(data, self._names), addr)


async def serve(address: str, kind: str, names: Mapping[str, str], port: int = _PORT) -> None:
    """Answers until standard input ends.

    Raises:
        OSError: The address is not there, or the port is somebody else's.
    """
    loop, ended = asyncio.get_running_loop(), asyncio.Event()

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            (size,) = _LENGTH.unpack(await asyncio.wait_for(reader.readexactly(2), _READ_TIMEOUT_S))
            said = answer(await asyncio.wait_for(reader.readexactly(size), _READ_TIMEOUT_S), names)
            writer.write(_LENGTH.pack(len(said)) + said)
            await writer.drain()
        except (OSError, ValueError, asyncio.IncompleteReadError):
            writer.transport.abort()  # whoever asks nothing whole gets no answer
        else:
            writer.close()

    await loop.create_datagram_endpoint(lambda: _Datagrams(names), local_addr=(address, port))
    if kind == TUNNEL:
        await asyncio.start_server(converse, address, port)
    loop.add_reader(sys.stdin.fileno(), ended.set)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await ended.wait()


def main() -> None:
    """Runs until standard input ends."""
    path, kind, address, names = sys.argv[1:]
    syscalls.setns(os.open(path, os.O_RDONLY | os.O_CLOEXEC), syscalls.CLONE_NEWNET)
    syscalls.name_process(_PROCESS[kind])
    asyncio.run(serve(address, kind, json.loads(names)))


if __name__ == "__main__":
    main()
