"""Reads a socket's error queue: which ICMP error came, and from whom (ip(7), IP_RECVERR)."""

import socket
import struct

IP_RECVERR = 11
IPV6_RECVERR = 25
_QUEUE = 0x2000
_EXTENDED = struct.Struct("=IBBBBII")
_FROM_ICMP, _FROM_ICMP6 = 2, 3
_UNREACHABLE = {
    _FROM_ICMP: (3, {0: "net", 1: "host", 2: "protocol", 3: "port", 9: "admin", 10: "admin", 13: "admin"}),
    _FROM_ICMP6: (1, {0: "net", 1: "admin", 3: "host", 4: "port", 5: "admin", 6: "admin"}),
}
_TIME_EXCEEDED = {_FROM_ICMP: 11, _FROM_ICMP6: 3}


def watch(endpoint: "socket.socket") -> "None":
    """Have ICMP errors kept for `icmp_error`."""
    if endpoint.family == socket.AF_INET6:
        endpoint.setsockopt(socket.IPPROTO_IPV6, IPV6_RECVERR, 1)
    else:
        endpoint.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)


def icmp_error(endpoint: "socket.socket") -> "tuple[str, str | None] | None":
    """Give detail and sender of the newest ICMP error; None if none came."""
    try:
        _, control, _, _ = endpoint.recvmsg(512, 512, _QUEUE | socket.MSG_DONTWAIT)
    except OSError:
        # Nothing is queued, or this kind of socket keeps no queue in this kernel.
        return None
    for level, kind, data in control:
        if (level, kind) in ((socket.IPPROTO_IP, IP_RECVERR), (socket.IPPROTO_IPV6, IPV6_RECVERR)):
            _, origin, icmp_type, code, _, _, _ = _EXTENDED.unpack_from(data)
            if origin in _UNREACHABLE:
                return _name(origin, icmp_type, code), _sender(data[_EXTENDED.size :])
    return None


def _name(origin: "int", icmp_type: "int", code: "int") -> "str":
    unreachable, reasons = _UNREACHABLE[origin]
    if icmp_type == unreachable:
        return "unreachable:" + reasons.get(code, str(code))
    if icmp_type == _TIME_EXCEEDED[origin]:
        return "unreachable:ttl"
    return "failed:icmp-%d-%d" % (icmp_type, code)


def _sender(data: "bytes") -> "str | None":
    family = struct.unpack_from("=H", data)[0] if len(data) >= 16 else 0
    if family == socket.AF_INET:
        return socket.inet_ntop(socket.AF_INET, data[4:8])
    if family == socket.AF_INET6 and len(data) >= 24:
        return socket.inet_ntop(socket.AF_INET6, data[8:24])
    return None
