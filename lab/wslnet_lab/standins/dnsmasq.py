#!/usr/bin/env -S python3 -IS
"""The `dnsmasq` that libvirt starts for a network, as far as somebody asks whether it is there.

`dnsmasq NETWORK BRIDGE ADDRESS` returns when it listens and goes on by itself. It acknowledges a DHCPINFORM
and refuses every question for a name; machines of a lab have their addresses already, so it leases none.
`dnsmasq --stop NETWORK` ends it.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import sys
from pathlib import Path

_PROCESS = "/run/libvirt/network/{}.pid"
_DHCP, _DNS = 67, 53
_COOKIE = b"\x63\x82\x53\x63"
_INFORM, _ACK = b"\x35\x01\x08", b"\x35\x01\x05"
_REPLY_AND_REFUSED = (0x81, 0x05)


def serve(bridge: str, address: str) -> list[socket.socket]:
    """The sockets that libvirt's configuration makes it open (`bind-dynamic`, `except-interface=lo`)."""
    opened = []
    for port, local in ((_DHCP, ""), (_DNS, address)):
        one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if port == _DHCP:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, bridge.encode())
        one.bind((local, port))
        opened.append(one)
    return opened


def answer(data: bytes, port: int, address: str) -> bytes | None:
    """What goes back for one datagram; None for what is not answered here."""
    if port == _DNS:
        first, second = _REPLY_AND_REFUSED
        return data[:2] + bytes((first, second)) + data[4:] if len(data) > 4 else None  # noqa: PLR2004 - the head
    if data[:1] != b"\1" or data[236:240] != _COOKIE or _INFORM not in data[240:]:
        return None
    options = _ACK + b"\x36\x04" + socket.inet_aton(address) + b"\x03\x04" + socket.inet_aton(address)
    return b"\2" + data[1:240] + options + b"\xff"


def run(bridge: str, address: str, told: Path) -> None:
    """Serves until it is ended; its parent returns as soon as it listens."""
    opened = serve(bridge, address)
    Path("/proc/self/comm").write_text("dnsmasq", encoding="ascii")
    child = os.fork()
    if child:
        told.parent.mkdir(parents=True, exist_ok=True)
        told.write_text(f"{child}\n", encoding="ascii")
        return
    os.setsid()
    nothing = os.open("/dev/null", os.O_RDWR)
    for number in range(3):
        os.dup2(nothing, number)
    while True:
        for one in select.select(opened, [], [])[0]:
            data, sender = one.recvfrom(4096)
            back = answer(data, one.getsockname()[1], address)
            if back is not None:
                one.sendto(back, sender)


def stop(told: Path) -> None:
    """Ends the server of a network, if it is there."""
    try:
        os.kill(int(told.read_text(encoding="ascii")), signal.SIGKILL)
        told.unlink()
    except (FileNotFoundError, ProcessLookupError):
        return


def main(arguments: list[str]) -> int:
    """Starts or stops one server."""
    if arguments[0] == "--stop":
        stop(Path(_PROCESS.format(arguments[1])))
    else:
        network, bridge, address = arguments
        run(bridge, address, Path(_PROCESS.format(network)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
