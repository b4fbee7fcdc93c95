"""Probes by ICMP echo: a raw socket for root, the kernel's ping socket for others."""

import os
import socket
import struct
import time

from wslnet_linux_agent import probe_errors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from wslnet_linux_agent.probe_stream import Aim, Answer

_REQUEST = {int(socket.AF_INET): 8, int(socket.AF_INET6): 128}
_REPLY = {int(socket.AF_INET): 0, int(socket.AF_INET6): 129}
_HEADER = struct.Struct("!BBHHH")
_SENDS = 3


def echo(aim: "Aim", deadline: "float") -> "Answer":
    """Ask for an echo a few times over."""
    family = socket.AF_INET6 if ":" in aim[0] else socket.AF_INET
    token = os.urandom(16)
    with _open(family) as endpoint:
        probe_errors.watch(endpoint)
        endpoint.connect((aim[0], 0))
        pause = (deadline - time.monotonic()) / _SENDS
        for sequence in range(_SENDS):
            try:
                endpoint.send(request(sequence, token, family))
                if _await(endpoint, family, token, min(deadline, time.monotonic() + pause)):
                    return "ok", None
            except socket.timeout:
                continue
            except OSError:
                found = probe_errors.icmp_error(endpoint)
                if found is None:
                    raise
                return found
    return "timeout", None


def _open(family: "int") -> "socket.socket":
    protocol = socket.IPPROTO_ICMPV6 if family == socket.AF_INET6 else socket.IPPROTO_ICMP
    try:
        return socket.socket(family, socket.SOCK_RAW, protocol)
    except PermissionError:
        return socket.socket(family, socket.SOCK_DGRAM, protocol)


def request(sequence: "int", token: "bytes", family: "int" = socket.AF_INET) -> "bytes":
    """Give an echo request; the token is all that it carries."""
    # For ICMPv6, and for ping sockets, the kernel fills the checksum in.
    head = (_REQUEST[family], 0, 0, os.getpid() & 0xFFFF, sequence)
    checksum = _checksum(_HEADER.pack(*head) + token) if family == socket.AF_INET else 0
    return _HEADER.pack(head[0], 0, checksum, head[3], sequence) + token


def _await(endpoint: "socket.socket", family: "int", token: "bytes", until: "float") -> "bool":
    while True:
        left = until - time.monotonic()
        if left <= 0:
            return False
        endpoint.settimeout(left)
        data = endpoint.recv(2048)
        if family == socket.AF_INET and endpoint.type & socket.SOCK_RAW == socket.SOCK_RAW:
            # IPv4 raw sockets give the packet with its header.
            data = data[(data[0] & 15) * 4 :]
        if data[:1] == bytes([_REPLY[family]]) and data[_HEADER.size :] == token:
            return True


def _checksum(data: "bytes") -> "int":
    words = struct.unpack("!%dH" % (len(data) // 2), data)  # type: tuple[int, ...]
    total = sum(words)
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF
