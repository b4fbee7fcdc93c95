"""The two halves of a lease, as small as they come: a server that offers one address, a client that asks.

`dhcp_pair.py server LINK OFFERED` answers one DISCOVER and ends; `dhcp_pair.py client LINK MAC` broadcasts
one and prints what it is offered, by whom. Both know only what RFC 2131 says of those two messages.
"""

from __future__ import annotations

import socket
import struct
import sys

_SERVER, _CLIENT = 67, 68
_COOKIE = b"\x63\x82\x53\x63"
_DISCOVER, _OFFER = 1, 2
_BROADCAST = 0x8000
_HEAD = struct.Struct("!4BIHH4s4s4s4s16s64s128s")
_TRANSACTION = 0x57534C4E
_TRIES, _WAIT_S = 5, 2.0


def _socket(link: str, port: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    # Beside the network's own server, which leases nothing in a lab.
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, link.encode())
    sock.bind(("", port))
    sock.settimeout(_WAIT_S)
    return sock


def _message(op: int, kind: int, mac: bytes, offered: str = "0.0.0.0") -> bytes:
    none = bytes(4)
    head = _HEAD.pack(
        op, 1, 6, 0, _TRANSACTION, 0, _BROADCAST, none, socket.inet_aton(offered), none, none,
        mac.ljust(16, b"\0"), b"", b"",
    )  # fmt: skip
    return head + _COOKIE + bytes([53, 1, kind, 255])


def _serve(link: str, offered: str) -> str:
    sock = _socket(link, _SERVER)
    print("listening", flush=True)  # noqa: T201 - the test waits for it
    for _ in range(_TRIES * 2):
        try:
            data, _ = sock.recvfrom(2048)
        except TimeoutError:
            continue
        mac = _HEAD.unpack_from(data)[11][:6]
        sock.sendto(_message(2, _OFFER, mac, offered), ("255.255.255.255", _CLIENT))
        return mac.hex(":")
    return "nobody asked"


def _ask(link: str, mac: str) -> str:
    sock = _socket(link, _CLIENT)
    for _ in range(_TRIES):
        discover = _message(1, _DISCOVER, bytes.fromhex(mac.replace(":", "")))
        sock.sendto(discover, ("255.255.255.255", _SERVER))
        try:
            data, (server, _) = sock.recvfrom(2048)
        except TimeoutError:
            continue
        return f"{socket.inet_ntoa(_HEAD.unpack_from(data)[8])} {server}"
    return "no offer"


if __name__ == "__main__":
    _, half, link, word = sys.argv
    print(_serve(link, word) if half == "server" else _ask(link, word))  # noqa: T201 - its answer
