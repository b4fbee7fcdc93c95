"""Which ports belong to WSL: what its root namespace has bound, less what Windows holds or never gives away.

Pure apart from the two readers of the kernel's socket tables; putting a choice in force is `mirrored`'s.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pyroute2 import DiagSocket

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from .model import PortBlock
    from .netns import Namespace

# Never steered (wsl-facts 2.2, the mirrored-mode troubleshooting page).
NEVER_TCP = frozenset({135, 1900, 2869, 3702, 5004, 5357, 5358})
NEVER_UDP = frozenset({68})
# Never reserved, and so never steered (microsoft/WSL#14063); and mDNS and LLMNR, which Windows reserves in
# shared mode (wsl-guest-facts 1.9).
DNS = 53
SHARED_UDP = frozenset({5353, 5355})
# A bit of the kernel's TCP state mask (include/net/tcp_states.h).
LISTEN = 1 << 10
# The same states as numbers: ESTABLISHED, SYN_SENT, SYN_RECV, CLOSE_WAIT, LISTEN.
_ALIVE = frozenset({"01", "02", "03", "08", "0A"})


# Releases of WSL in which a guest is refused every dynamic port of Windows (microsoft/WSL#40984).
_REFUSED_DYNAMIC = (2, 8, 7), (2, 9, 4)
_RELEASE = 3


@dataclass(frozen=True)
class Ports:
    """Port numbers by protocol."""

    tcp: frozenset[int] = frozenset()
    udp: frozenset[int] = frozenset()


def read_listeners(ns: Namespace) -> Ports:
    """Ports of listening TCP and of all UDP sockets, v4 and v6 together; cheap enough to ask all the time."""
    return ns.inside(_read_listeners)


def read_ports(ns: Namespace, *, alive: bool = False) -> Ports:
    """Every local port that a socket of the namespace has, v4 and v6 together, whatever its state.

    `alive` leaves out TCP connections that this side has closed: they keep nobody from a port.

    A connection that is still there keeps its port with its owner after the listener has gone. The kernel
    walks its whole table of connections for this (5 ms here, whatever is in it): ask when something changed.
    """
    return ns.inside(_read_tables, _ALIVE if alive else None)


def choose(wsl: Ports, windows: Ports, block: PortBlock) -> Ports:
    """The ports outside the reserved block to steer to WSL; a port that both have stays with Windows."""
    reserved = frozenset(range(block.first, block.last + 1))
    return Ports(
        tcp=wsl.tcp - windows.tcp - NEVER_TCP - reserved - {DNS},
        udp=wsl.udp - windows.udp - NEVER_UDP - reserved - {DNS},
    )


def refuses(
    windows: Ports, proto: str, address: str, port: int, *, block: PortBlock, ignored: Collection[int]
) -> bool:
    """Whether Windows refuses a bind in WSL because it holds the port (wsl-guest-facts 1.9, 4).

    `windows` are its listeners, `ignored` the ports of experimental.ignoredPorts.
    """
    other_loopback = address.startswith("127.") and address != "127.0.0.1"
    own = block.first <= port <= block.last
    if other_loopback or own or port == DNS or port in ignored:
        return False
    if proto == "tcp":
        return port in windows.tcp
    return port in windows.udp - SHARED_UDP


def refuses_dynamic(version: tuple[int, ...], dynamic: tuple[int, int], port: int, block: PortBlock) -> bool:
    """Whether Windows refuses a bind in WSL because it gives the port to outgoing connections itself."""
    oldest, newest = _REFUSED_DYNAMIC
    own = block.first <= port <= block.last
    return oldest <= version[:_RELEASE] <= newest and not own and dynamic[0] <= port <= dynamic[1]


def _read_listeners() -> Ports:
    tcp = set()
    with DiagSocket() as diag:
        diag.bind()
        for family in (socket.AF_INET, socket.AF_INET6):
            rows = diag.get_sock_stats(family=family, states=LISTEN, protocol=socket.IPPROTO_TCP)
            tcp |= {int(row["idiag_sport"]) for row in rows}
    return Ports(tcp=frozenset(tcp), udp=frozenset(_local_ports("udp")) | frozenset(_local_ports("udp6")))


def _read_tables(states: frozenset[str] | None) -> Ports:
    return Ports(
        tcp=frozenset(_local_ports("tcp", states)) | frozenset(_local_ports("tcp6", states)),
        udp=frozenset(_local_ports("udp")) | frozenset(_local_ports("udp6")),
    )


def _local_ports(table: str, states: frozenset[str] | None = None) -> Iterator[int]:
    # Not /proc/net, the main thread's namespace. The second column of a row is ADDRESS:PORT in hexadecimal.
    for row in Path("/proc/thread-self/net", table).read_text().splitlines()[1:]:
        _, local, _, state, _ = row.split(maxsplit=4)
        port = int(local.rsplit(":", 1)[1], 16)
        if port and (states is None or state in states):
            yield port
