"""Fact `path_mtu`: whether a whole packet of each link gets to its next hop and back.

Echo requests that must not be cut (don't fragment), of several sizes at once; the largest that is answered
counts. Not part of the bundle.
"""

import os
import select
import socket
import struct
import time

from wslnet_linux_agent import facts_network, probe_icmp

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_FAMILY, _MAIN = 4, 254
# ip(7): packets say "don't fragment", and are as large as asked whatever the kernel has learnt of the path.
_MTU_DISCOVER, _PROBE = 10, 3
# What is left of 1500 behind PPPoE, GRE, WireGuard, IPsec and the like.
_SIZES = (1492, 1480, 1472, 1460, 1450, 1440, 1420, 1412, 1400, 1380, 1360, 1340, 1300, 1280, 1200, 1000, 576)
_HEADERS = 28
_WAIT_S = 1.0
_AGAIN_S = 0.4


def path_mtu() -> "list[dict[str, Any]]":
    """Each link that is up: `{link, mtu, hop, largest}`, sizes of whole IP packets in bytes.

    `hop` is null for a link without a gateway, `largest` also where the gateway answers no echo at all.
    """
    hops = {}  # type: dict[str, tuple[int, str]]
    for route in facts_network.routes():
        dev, via, metric = route["dev"], route["via"], route["metric"]
        if (route["family"], route["table"]) == (_FAMILY, _MAIN) and dev and via and ":" not in via:
            hops[dev] = min(hops.get(dev, (metric, via)), (metric, via))
    up = [link for link in facts_network.links() if link["up"] and "LOOPBACK" not in link["flags"]]
    found = [
        {"link": one["name"], "mtu": one["mtu"], "hop": hops.get(one["name"], (0, None))[1], "largest": None}
        for one in up
    ]
    _measure([one for one in found if one["hop"] is not None])
    return found


def _measure(wanted: "list[dict[str, Any]]") -> "None":
    poller = select.poll()
    asked = {}  # type: dict[int, tuple[socket.socket, dict[str, Any], bytes]]
    try:
        for one in wanted:
            endpoint = _open(one["link"], one["hop"])
            asked[endpoint.fileno()] = (endpoint, one, os.urandom(16))
            poller.register(endpoint, select.POLLIN)
        start = time.monotonic()
        _send(asked)
        sent = start
        while time.monotonic() < start + _WAIT_S and any(
            (one["largest"] or 0) < _whole(one) for one in wanted
        ):
            if time.monotonic() > sent + _AGAIN_S:
                _send(asked)
                sent = time.monotonic()
            for number, _ in poller.poll(50):
                _take(*asked[number])
    finally:
        for endpoint, _, _ in asked.values():
            endpoint.close()


def _open(link: "str", hop: "str") -> "socket.socket":
    endpoint = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    endpoint.setsockopt(socket.IPPROTO_IP, _MTU_DISCOVER, _PROBE)
    endpoint.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, link.encode("ascii") + b"\0")
    endpoint.connect((hop, 0))
    endpoint.settimeout(0)
    return endpoint


def _send(asked: "dict[int, tuple[socket.socket, dict[str, Any], bytes]]") -> "None":
    for endpoint, one, token in asked.values():
        for size in (_whole(one), *_SIZES):
            if (one["largest"] or 0) < size <= _whole(one):
                padding = bytes(size - _HEADERS - len(token))
                try:
                    endpoint.send(probe_icmp.request(size, token + padding))
                except OSError:
                    # A router said of an earlier one that it was too large: the kernel tells it here.
                    continue


def _whole(one: "dict[str, Any]") -> "int":
    """The largest packet to try on a link: even in length, and its size fits into an echo's number."""
    return min(int(one["mtu"]), 65534) & ~1


def _take(endpoint: "socket.socket", one: "dict[str, Any]", token: "bytes") -> "None":
    try:
        data = endpoint.recv(65536)
    except OSError:
        # As above.
        return
    body = data[(data[0] & 15) * 4 :]
    if body[:1] == b"\0" and body[8 : 8 + len(token)] == token:
        size = struct.unpack_from("!H", body, 6)[0]
        one["largest"] = max(one["largest"] or 0, size)
