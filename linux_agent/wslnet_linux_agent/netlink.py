"""Raw rtnetlink: dumps and changes of links, addresses, routes, rules and neighbours.

Sixty lines instead of a library, because a library costs more start-up than the whole gather
(linux-facts C, finding 2). Numbers are those of linux/netlink.h and linux/rtnetlink.h.
"""

# The C half of `socket`: the Python half costs as much start-up as all the netlink dumps together.
import _socket
import os
import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_HEADER = struct.Struct("=IHHII")
_ATTRIBUTE = struct.Struct("=HH")
_ERROR = 2
_DONE = 3
_REQUEST = 1
_ACKNOWLEDGE = 4
_DUMP = 0x300
_INTERRUPTED = 0x10
_TIMEOUT_S = 5.0
_DUMP_ATTEMPTS = 5

CREATE_ONLY = 0x600
"""NLM_F_CREATE | NLM_F_EXCL: an object that is there already is an error."""


class Rtnetlink:
    """One rtnetlink socket; closed by `close` or when it goes out of sight."""

    def __init__(self) -> "None":
        kind = _socket.SOCK_RAW | _socket.SOCK_CLOEXEC
        self._socket = _socket.socket(_socket.AF_NETLINK, kind, _socket.NETLINK_ROUTE)
        self._socket.settimeout(_TIMEOUT_S)
        self._socket.bind((0, 0))
        self._sequence = 0

    def close(self) -> "None":
        """Give the socket back."""
        self._socket.close()

    def dump(self, kind: "int", body: "bytes") -> "list[bytes]":
        """Give the payload of every object of a dump request (RTM_GET…).

        Raises:
            OSError: the kernel refused, or the tables changed during every attempt (EAGAIN).
        """
        for _ in range(_DUMP_ATTEMPTS):
            found = []  # type: list[bytes]
            whole = True
            for flags, payload in self._exchange(kind, _DUMP, body):
                found.append(payload)
                whole = whole and not flags & _INTERRUPTED
            if whole:
                return found
        raise BlockingIOError(11, "the kernel's tables changed during every dump")

    def change(self, kind: "int", flags: "int", body: "bytes") -> "None":
        """Send a change (RTM_NEW…, RTM_DEL…) and wait for the kernel's verdict.

        Raises:
            OSError: the kernel refused, with its errno.
        """
        for _ in self._exchange(kind, _ACKNOWLEDGE | flags, body):
            pass

    def _exchange(self, kind: "int", flags: "int", body: "bytes") -> "Iterator[tuple[int, bytes]]":
        self._sequence += 1
        size = _HEADER.size + len(body)
        self._socket.send(_HEADER.pack(size, kind, flags | _REQUEST, self._sequence, 0) + body)
        while True:
            data = self._socket.recv(1 << 18)
            while len(data) >= _HEADER.size:
                size, kind, flags, sequence, _ = _HEADER.unpack_from(data)
                payload, data = data[_HEADER.size : size], data[size + 3 & ~3 :]
                if sequence != self._sequence:
                    continue
                if kind in (_ERROR, _DONE):
                    code = -struct.unpack_from("=i", payload)[0] if len(payload) >= 4 else 0
                    if code:
                        raise OSError(code, os.strerror(code))
                    return
                yield flags, payload


def attributes(data: "bytes") -> "dict[int, bytes]":
    """Read attributes; of a repeated kind the last one stays."""
    found = {}
    while len(data) >= _ATTRIBUTE.size:
        size, kind = _ATTRIBUTE.unpack_from(data)
        if size < _ATTRIBUTE.size:
            break
        found[kind & 0x3FFF] = data[_ATTRIBUTE.size : size]
        data = data[size + 3 & ~3 :]
    return found


def attribute(kind: "int", value: "bytes") -> "bytes":
    """Write one attribute, padded."""
    head = _ATTRIBUTE.pack(_ATTRIBUTE.size + len(value), kind)
    return head + value + bytes(-len(value) % 4)


def number(value: "bytes | None") -> "int | None":
    """Read an attribute that is an unsigned number of one to eight bytes."""
    return None if value is None else int.from_bytes(value, "little" if struct.pack("=H", 1)[0] else "big")


def text(value: "bytes | None") -> "str | None":
    """Read an attribute that is text with a NUL at its end."""
    return None if value is None else value.split(b"\0")[0].decode("utf-8", "replace")


def address(value: "bytes | None") -> "str | None":
    """Read an attribute that is an IPv4 or IPv6 address; of a longer one None."""
    families = {4: _socket.AF_INET, 16: _socket.AF_INET6}
    if value is None or len(value) not in families:
        return None
    return _socket.inet_ntop(families[len(value)], value)
