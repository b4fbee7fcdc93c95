"""Verb `uplink.move`: a card becomes a port of a bridge, which takes over all it has, in one step; or back.

Addresses and routes are copied as the kernel tells them before they are taken away, so at no moment are
they nowhere; doing it again, or the other way after half of it, ends well. A DHCP client goes with them.
Not part of the bundle: it is sent with the first request that needs it.
"""

import _socket
import errno
import os
import re
import signal
import struct
import subprocess
import time

from wslnet_linux_agent import facts_bridging, shell
from wslnet_linux_agent.netlink import Rtnetlink, attribute, attributes, number, text
from wslnet_linux_agent.ops import OpError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from wslnet_linux_agent.ops import Args

    Networks = list[tuple[int, int]]

_NEW_LINK = 16
_NEW_ADDRESS, _DELETE_ADDRESS, _GET_ADDRESS = 20, 21, 22
_NEW_ROUTE, _GET_ROUTE = 24, 26
_CREATE, _REPLACE, _ONLY_NEW = 0x400, 0x100, 0x200
_UP, _MASTER = 1, 10
_INET, _INET6 = 2, 10
_LABEL, _LIFETIMES, _ADDRESS_FLAGS = 3, 6, 8
_SECONDARY, _TENTATIVE, _PERMANENT = 0x01, 0x40, 0x80
_LINK_SCOPE, _LOCAL_TABLE = 253, 255
_AF_PACKET = 17
_ARP_REQUEST = b"\x08\x06" + b"\x00\x01\x08\x00\x06\x04\x00\x01"
_LOCAL, _DESTINATION, _GATEWAY = 2, 1, 5
_DEVICE, _METRIC, _HOPS, _AGES, _TABLE = 4, 6, 9, 12, 15
_BY_KERNEL, _BY_ROUTER = 2, 9
_ONLINK, _CLONED = 4, 0x200
_THERE = (errno.EEXIST,)
_GONE = (errno.EADDRNOTAVAIL, errno.ESRCH)
_END_S = 3.0


def move(args: "Args") -> "dict[str, Any]":
    """Move everything from `source` to `target`; `port` of the two becomes one of the other, or, null, none.

    `client`: the DHCP client to start on `target` where none serves `source`; `release`: the one of `source`
    gives its lease back and ends. `keep`: addresses (`A/LENGTH`) that stay on `source`, with their networks'
    routes.

    Raises:
        OpError: `not-found` without one of the two; `timed-out` if a DHCP client does not end.
    """
    source, target = args.text("source"), args.text("target")
    port = args.text("port") if args.has("port") else None
    if port not in (None, source):
        raise OpError("bad-op", "port is the source, or null: %r" % port)
    indices = _index(source), _index(target)
    kept = _networks(args.texts("keep") if args.has("keep") else [])
    clients = [] if args.has("release") and _release(source) else _end_clients(source)
    netlink = Rtnetlink()
    try:
        moved = _carry_over(netlink, source, target, indices, kept)
        if port is not None:
            _master(netlink, indices[0], indices[1])
        else:
            _master(netlink, indices[1], 0)
    finally:
        netlink.close()
    _announce(target, moved)
    if args.has("client") and not clients:
        clients = [[args.text("client"), source]]
    for argv in clients:
        _start(argv, source, target)
    return {}


def _networks(texts: "list[str]") -> "Networks":
    """Addresses with their lengths as numbers of networks."""
    found = []
    for text_of in texts:
        address, _, length = text_of.partition("/")
        try:
            number_of = int.from_bytes(_socket.inet_pton(_INET, address), "big")
            found.append((number_of >> 32 - int(length), 32 - int(length)))
        except (OSError, ValueError):
            raise OpError("bad-op", "no IPv4 address with its prefix: %s" % text_of)
    return found


def _is_within(packed: "bytes | None", networks: "Networks") -> "bool":
    if packed is None or len(packed) != 4:  # noqa: PLR2004 - of IPv4
        return False
    return any(int.from_bytes(packed, "big") >> bits == number_of for number_of, bits in networks)


def _carry_over(
    netlink: "Rtnetlink", source: "str", target: "str", indices: "tuple[int, int]", kept: "Networks"
) -> "list[bytes]":
    """Give the IPv4 addresses that went over."""
    old, new = indices
    netlink.change(_NEW_LINK, 0, struct.pack("=BxHiII", 0, 0, new, _UP, _UP))
    addresses = [
        data
        for data in netlink.dump(_GET_ADDRESS, bytes(8))
        if _moves(data, old) and not _is_within(attributes(data[8:]).get(_LOCAL), kept)
    ]
    routes = [data for data in _routes(netlink, old) if not _is_kept(attributes(data[12:]), kept)]
    for data in addresses:
        _try(netlink, _NEW_ADDRESS, _CREATE | _ONLY_NEW, _readdressed(data, source, target, new), _THERE)
    for data in routes:
        _try(netlink, _NEW_ROUTE, _CREATE | _REPLACE, _rerouted(data, new), _THERE)
    for data in addresses:
        _try(netlink, _DELETE_ADDRESS, 0, data, _GONE)
    for data in routes:
        # With a subnet's address its routes went, and a preferred source with it.
        _try(netlink, _NEW_ROUTE, _CREATE | _REPLACE, _rerouted(data, new), _THERE)
    locals_of = (attributes(data[8:]).get(_LOCAL) for data in addresses)
    return [one for one in locals_of if one is not None and len(one) == 4]  # noqa: PLR2004 - of IPv4


def _announce(link: "str", addresses: "list[bytes]") -> "None":
    """Tell the neighbours that these addresses have the MAC address of this link now (RFC 5227, 3)."""
    with open("/sys/class/net/%s/address" % link, encoding="ascii") as file:
        mac = bytes(bytearray.fromhex(file.read().strip().replace(":", "")))
    endpoint = _socket.socket(_AF_PACKET, _socket.SOCK_RAW)
    try:
        endpoint.bind((link, 0))
        for one in addresses:
            endpoint.send(b"\xff" * 6 + mac + _ARP_REQUEST + mac + one + bytes(6) + one)
    except OSError as error:
        # No carrier yet: nobody is there who could be told.
        if error.errno not in (errno.ENETDOWN, errno.ENOBUFS):
            raise
    finally:
        endpoint.close()


def _is_kept(values: "dict[int, bytes]", kept: "Networks") -> "bool":
    """Whether a route leads to a network that stays, or through one."""
    return _is_within(values.get(_GATEWAY, values.get(_DESTINATION)), kept)


def _moves(data: "bytes", index: "int") -> "bool":
    """All of IPv4; of IPv6 what is neither the link's own nor announced by a router."""
    family, _, flags, scope, device = struct.unpack_from("=BBBBi", data)
    lasting = (number(attributes(data[8:]).get(_ADDRESS_FLAGS)) or flags) & _PERMANENT
    return device == index and (
        family == _INET or bool(family == _INET6 and scope != _LINK_SCOPE and lasting)
    )


def _readdressed(data: "bytes", source: "str", target: "str", index: "int") -> "bytes":
    family, prefix, _, scope, _ = struct.unpack_from("=BBBBi", data)
    found = attributes(data[8:])
    flags = (number(found.pop(_ADDRESS_FLAGS, b"")) or 0) & ~(_SECONDARY | _TENTATIVE | _PERMANENT)
    label = text(found.pop(_LABEL, None)) or source
    body = struct.pack("=BBBBi", family, prefix, flags & 0xFF, scope, index)
    body += attribute(_ADDRESS_FLAGS, struct.pack("=I", flags))
    if family == _INET:
        body += attribute(_LABEL, label.replace(source, target, 1).encode("ascii")[:15] + b"\0")
    return body + b"".join(attribute(kind, value) for kind, value in found.items())


def _routes(netlink: "Rtnetlink", index: "int") -> "list[bytes]":
    """Routes by the link outside the local table, those first that others' next hops need."""
    found = []
    for family in (_INET, _INET6):
        for data in netlink.dump(_GET_ROUTE, struct.pack("=B11x", family)):
            _, _, _, _, table, proto, scope, kind, flags = struct.unpack_from("=8BI", data)
            values = attributes(data[12:])
            automatic = family == _INET6 and proto in (_BY_KERNEL, _BY_ROUTER)
            own = number(values.get(_DEVICE)) == index and _HOPS not in values
            if own and kind == 1 and not (automatic or flags & _CLONED) and table != _LOCAL_TABLE:
                found.append((scope != _LINK_SCOPE, data))
    return [data for _, data in sorted(found, key=lambda pair: pair[0])]


def _rerouted(data: "bytes", index: "int") -> "bytes":
    head = struct.unpack_from("=8BI", data)
    found = attributes(data[12:])
    found.pop(_AGES, None)
    found[_DEVICE] = struct.pack("=I", index)
    body = struct.pack("=8BI", *head[:8], head[8] & _ONLINK)
    return body + b"".join(attribute(kind, value) for kind, value in found.items())


def _try(netlink: "Rtnetlink", kind: "int", flags: "int", body: "bytes", fine: "tuple[int, ...]") -> "None":
    try:
        netlink.change(kind, flags, body)
    except OSError as error:
        if error.errno not in fine:
            raise


def _master(netlink: "Rtnetlink", port: "int", bridge: "int") -> "None":
    body = struct.pack("=BxHiII", 0, 0, port, 0, 0) + attribute(_MASTER, struct.pack("=I", bridge))
    netlink.change(_NEW_LINK, 0, body)


def _index(name: "str") -> "int":
    try:
        return _socket.if_nametoindex(name)
    except OSError:
        raise OpError("not-found", "no such link: %s" % name)


def _release(device: "str") -> "bool":
    """Let the DHCP client of a device give its lease back and end; whether there was one."""
    serving = [(process, argv) for process, argv in facts_bridging.clients() if device in argv[1:]]
    for process, argv in serving:
        if os.path.basename(argv[0]) == "dhclient":
            shell.run([argv[0], "-r", device])
        else:
            _end(process)
    return bool(serving)


def _end_clients(device: "str") -> "list[list[str]]":
    """End the DHCP clients of a device, which keep their lease then; gives how they were started."""
    ended = []
    for process, argv in facts_bridging.clients():
        if device in argv[1:]:
            _end(process)
            ended.append(argv)
    return ended


def _end(process: "int") -> "None":
    deadline = time.monotonic() + _END_S
    os.kill(process, signal.SIGTERM)
    while _lives(process):
        if time.monotonic() > deadline:
            raise OpError("timed-out", "the DHCP client %d does not end" % process)
        time.sleep(0.05)


def _lives(process: "int") -> "bool":
    """Whether it has memory still: one that waits for its parent to look has none."""
    try:
        with open("/proc/%d/cmdline" % process, "rb") as file:
            return bool(file.read(1))
    except OSError:
        return False


def _start(argv: "list[str]", source: "str", target: "str") -> "None":
    """Start the client as it was started, for the other device; its files are the other device's, too."""
    whole = re.compile(r"(?<![A-Za-z0-9])%s(?![A-Za-z0-9])" % re.escape(source))
    subprocess.Popen(
        [whole.sub(target, word) for word in argv],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
