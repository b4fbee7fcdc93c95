"""Waits for changes of the network: routes, links and addresses by rtnetlink, rules by nftables.

With pyroute2 where the machine has it, which can name what changed; else by the bare sockets. Rules of
iptables-legacy announce nothing: for them somebody has to look from time to time.
"""

import errno
import select
import socket

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# RTMGRP_LINK, _IPV4_IFADDR, _IPV4_ROUTE, _IPV4_RULE, _IPV6_IFADDR, _IPV6_ROUTE
_GROUPS = 0x1 | 0x10 | 0x40 | 0x80 | 0x100 | 0x400
_NETFILTER, _NETLINK_OPTIONS, _ADD_MEMBERSHIP, _NFTABLES_GROUP = 12, 270, 1, 7
_MOST_NAMED = 4


class Bare:
    """rtnetlink without a library: that something changed is all that it tells."""

    def __init__(self) -> "None":
        self._socket = _netlink(socket.NETLINK_ROUTE, _GROUPS)

    def fileno(self) -> "int":
        """The descriptor to wait for."""
        return self._socket.fileno()

    def read(self) -> "list[str]":
        """Take what came; gives what it was."""
        _drain(self._socket)
        return ["rtnetlink"]


class ByPyroute2:
    """rtnetlink by pyroute2, which names the messages."""

    def __init__(self, pyroute2: "Any") -> "None":
        self._route = pyroute2.IPRoute()
        self._route.bind(groups=_GROUPS)

    def fileno(self) -> "int":
        """The descriptor to wait for."""
        return int(self._route.fileno())

    def read(self) -> "list[str]":
        """Take what came; gives what it was."""
        try:
            return [_named(message) for message in self._route.get()]
        except OSError as error:
            if error.errno != errno.ENOBUFS:
                raise
            return ["more than could be told"]


class Rules:
    """Changes of nftables, those by iptables-nft among them."""

    def __init__(self) -> "None":
        self._socket = _netlink(_NETFILTER, 0)
        self._socket.setsockopt(_NETLINK_OPTIONS, _ADD_MEMBERSHIP, _NFTABLES_GROUP)

    def fileno(self) -> "int":
        """The descriptor to wait for."""
        return self._socket.fileno()

    def read(self) -> "list[str]":
        """Take what came; gives what it was."""
        _drain(self._socket)
        return ["rules"]


def sources() -> "list[Any]":
    """Open everything that there is to listen to."""
    try:
        routes = ByPyroute2(__import__("pyroute2"))  # type: Any
    except ImportError:
        routes = Bare()
    found = [routes]
    try:
        found.append(Rules())
    except OSError:
        # A kernel without nftables.
        return found
    return found


def wait(listened: "list[Any]", timeout_s: "float") -> "str":
    """Wait for a change; gives what changed in a few words, nothing if the time is over."""
    ready = select.select(listened, (), (), timeout_s)[0]
    named = []  # type: list[str]
    for one in ready:
        named += [each for each in one.read() if each not in named]
    return ", ".join(named[:_MOST_NAMED])


def _netlink(family: "int", groups: "int") -> "socket.socket":
    opened = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, family)
    opened.bind((0, groups))
    opened.settimeout(0)
    return opened


def _drain(opened: "socket.socket") -> "None":
    while True:
        try:
            if not opened.recv(1 << 16):
                return
        except BlockingIOError:
            return
        except OSError as error:
            # More came than the socket holds: what exactly is lost, that something changed is not.
            if error.errno != errno.ENOBUFS:
                raise


def _named(message: "Any") -> "str":
    words = [str(message["event"])]
    for key in ("ifname", "dst"):
        value = message.get(key)
        if value:
            words.append(str(value))
    return " ".join(words)
