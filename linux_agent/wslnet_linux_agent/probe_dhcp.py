"""Asks the DHCP and DNS server of a bridge on this machine itself, without taking an address from it.

A DHCPINFORM (RFC 2131 4.3.5) gets an answer and no lease. It is a broadcast, which the kernel hands to this
machine's own server too; by unicast it would come in over `lo`, which libvirt's dnsmasq leaves out. Not part
of the bundle: it is sent with the fact that needs it.
"""

import os
import socket
import struct
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_SERVER_PORT, _DNS_PORT = 67, 53
_COOKIE = b"\x63\x82\x53\x63"
_INFORM, _ACK = 8, 5
_PAD, _END, _KIND = 0, 255, 53
# version.bind, class CHAOS, as text: a server answers for itself and asks nobody (dnsmasq(8), --no-ident).
_VERSION = b"\x07version\x04bind\x00\x00\x10\x00\x03"
_IS_ANSWER = 0x80
_SENDS = 2
_MOST = 4096


def dhcp(bridge: "str", address: "str", timeout_s: "float") -> "str":
    """`ok` if the server on the bridge answers the bridge's own address, `timeout` if nobody does."""
    token = os.urandom(4)
    mac = _mac(bridge)
    question = struct.pack("!BBBB4sHH", 1, 1, 6, 0, token, 0, 0) + socket.inet_aton(address) + bytes(12)
    question += mac.ljust(16, b"\0") + bytes(192) + _COOKIE + bytes((_KIND, 1, _INFORM, _END))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as endpoint:
        endpoint.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        endpoint.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, bridge.encode("ascii") + b"\0")
        endpoint.bind((address, 0))
        target = ("255.255.255.255", _SERVER_PORT)
        return _ask(endpoint, question, target, timeout_s, lambda data: _is_ack(data, token))


def dns(address: "str", timeout_s: "float") -> "str":
    """`ok` if a server on the address answers, `refused` if none listens, `timeout` if nothing comes."""
    token = os.urandom(2)
    question = token + struct.pack("!HHHHH", 0, 1, 0, 0, 0) + _VERSION
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as endpoint:
        endpoint.connect((address, _DNS_PORT))

        def is_answer(data: "bytes") -> "bool":
            return data[:2] == token and data[2:3] >= bytes((_IS_ANSWER,))

        return _ask(endpoint, question, None, timeout_s, is_answer)


def _ask(
    endpoint: "socket.socket",
    question: "bytes",
    target: "tuple[str, int] | None",
    timeout_s: "float",
    wanted: "Callable[[bytes], bool]",
) -> "str":
    for _ in range(_SENDS):
        deadline = time.monotonic() + timeout_s / _SENDS
        try:
            if target is None:
                endpoint.send(question)
            else:
                endpoint.sendto(question, target)
            while True:
                endpoint.settimeout(max(0.001, deadline - time.monotonic()))
                if wanted(endpoint.recv(_MOST)):
                    return "ok"
        except socket.timeout:
            continue
        except ConnectionRefusedError:
            return "refused"
    return "timeout"


def _is_ack(data: "bytes", token: "bytes") -> "bool":
    """Whether it is the server's answer (RFC 2132 9.6) to this question."""
    if data[:1] != b"\2" or data[4:8] != token or data[236:240] != _COOKIE:
        return False
    place = 240
    while place + 1 < len(data) and data[place] != _END:
        if data[place] == _PAD:
            place += 1
            continue
        if data[place] == _KIND:
            return data[place + 2 : place + 3] == bytes((_ACK,))
        place += 2 + data[place + 1]
    return False


def _mac(bridge: "str") -> "bytes":
    with open("/sys/class/net/%s/address" % bridge, encoding="ascii") as file:
        return bytes(bytearray.fromhex(file.read().strip().replace(":", "")))
