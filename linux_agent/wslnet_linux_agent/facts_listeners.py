"""Fact `listeners`: what listens in the machine's own network namespace, and which program it is."""

import os
import struct

from wslnet_linux_agent.netlink import address

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_FILES = (("tcp", 4), ("tcp", 6), ("udp", 4), ("udp", 6))
# TCP_LISTEN; UDP sockets that are not connected are in TCP_CLOSE.
_STATES = {"tcp": "0A", "udp": "07"}


def listeners() -> "list[dict[str, Any]]":
    """All listening TCP and unconnected UDP sockets; `process` is None if it may not be read."""
    found = []  # type: list[tuple[str, dict[str, Any]]]
    for proto, family in _FILES:
        try:
            with open("/proc/net/%s%s" % (proto, "6" if family == 6 else ""), encoding="ascii") as table:
                lines = table.read().split("\n")[1:]
        except FileNotFoundError:
            # A kernel without IPv6.
            continue
        for line in lines:
            words = line.split()
            if len(words) > 9 and words[3] == _STATES[proto]:
                host, _, port = words[1].partition(":")
                entry = {"proto": proto, "family": family, "address": _address(host), "port": int(port, 16)}
                found.append((words[9], entry))
    owners = _owners({inode for inode, _ in found})
    for inode, entry in found:
        entry["process"] = owners.get(inode)
    return [entry for _, entry in found]


def _address(hexadecimal: "str") -> "str | None":
    # The kernel prints each group of four bytes as one number in its own byte order.
    words = [int(hexadecimal[place : place + 8], 16) for place in range(0, len(hexadecimal), 8)]
    return address(struct.pack("=%dI" % len(words), *words))


def _owners(inodes: "set[str]") -> "dict[str, str]":
    wanted = {"socket:[%s]" % inode: inode for inode in inodes if inode != "0"}
    owners = {}  # type: dict[str, str]
    for process in os.listdir("/proc"):
        if len(owners) == len(wanted):
            break
        if process.isdigit():
            for inode in _sockets(process, wanted):
                owners.setdefault(inode, _name(process))
    return owners


def _sockets(process: "str", wanted: "dict[str, str]") -> "list[str]":
    folder = "/proc/%s/fd" % process
    held = []
    try:
        for name in os.listdir(folder):
            target = os.readlink(folder + "/" + name)
            if target in wanted:
                held.append(wanted[target])
    except OSError:
        # It ended while we looked, or belongs to somebody else.
        return held
    return held


def _name(process: "str") -> "str":
    try:
        with open("/proc/%s/comm" % process, encoding="utf-8", errors="replace") as file:
            return file.read().rstrip("\n")
    except OSError:
        return ""
