"""Verbs `bridge.*` and `tap.*`: bridges of wslnet's own and the taps that virtual machines are plugged into.

What is made carries the alias `wslnet:NET`, and nothing without it is ever deleted. A bridge or tap is made
whole or not at all. Not part of the bundle: it is sent with the first request that needs it.
"""

import _socket
import fcntl
import os
import re
import struct

from wslnet_linux_agent import facts_network, ops_sysctl
from wslnet_linux_agent.netlink import CREATE_ONLY, Rtnetlink, attribute, attributes, text
from wslnet_linux_agent.ops import OpError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from wslnet_linux_agent.ops import Args

_NEW_LINK, _DELETE_LINK, _GET_LINK, _NEW_ADDRESS = 16, 17, 18, 20
_MAC, _NAME, _MASTER, _INFO, _ALIAS = 1, 3, 10, 18, 20
_UP = 1
_TAG = "wslnet:"
_SOUND = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,14}$")
_TUN = "/dev/net/tun"
# linux/if_tun.h
_SET_INTERFACE, _SET_PERSIST, _SET_OWNER = 0x400454CA, 0x400454CB, 0x400454CC
_TAP, _NO_PACKET_INFO, _EXCLUSIVE = 2, 0x1000, 0x8000
_NOBODY = -1


def add_bridge(args: "Args") -> "dict[str, Any]":
    """Make a bridge with its MAC, alias, settings (`{"net.ipv4.conf.NAME.…": VALUE}`) and addresses, up.

    Raises:
        OpError: `exists` if a link of that name is there; it is not touched.
    """
    name = _free(args)
    kind = attribute(_INFO, attribute(1, b"bridge"))
    _change(_NEW_LINK, CREATE_ONLY, _link(0) + attribute(_NAME, _text(name)) + _mac(args) + kind)
    try:
        _mark(args, name)
        for key, value in sorted(args.texts_by_name("settings").items()):
            ops_sysctl.write(key, value)
        index = _socket.if_nametoindex(name)
        _change(_NEW_LINK, 0, _link(index, _UP))
        for each in args.texts("addresses"):
            _change(_NEW_ADDRESS, CREATE_ONLY, _address(index, each))
    except (OpError, OSError):
        _delete(name)
        raise
    return {}


def add_tap(args: "Args") -> "dict[str, Any]":
    """Make a tap that stays, of `owner` (a user's name or number; none: root's), as a port of a bridge, up.

    Raises:
        OpError: `exists` if a link of that name is there; `not-found` without the bridge or the user.
    """
    name = _free(args)
    master = _index(args.text("master"))
    owner = _user(args.text("owner")) if args.has("owner") else _NOBODY
    tun = os.open(_TUN, os.O_RDWR | os.O_CLOEXEC)
    try:
        flags = _TAP | _NO_PACKET_INFO | _EXCLUSIVE
        fcntl.ioctl(tun, _SET_INTERFACE, struct.pack("=16sH22x", name.encode("ascii"), flags))
        if owner != _NOBODY:
            fcntl.ioctl(tun, _SET_OWNER, owner)
        fcntl.ioctl(tun, _SET_PERSIST, 1)
    finally:
        os.close(tun)
    try:
        _mark(args, name)
        index = _socket.if_nametoindex(name)
        _change(_NEW_LINK, 0, _link(index) + _mac(args))
        _change(_NEW_LINK, 0, _link(index, _UP) + attribute(_MASTER, struct.pack("=I", master)))
    except (OpError, OSError):
        _delete(name)
        raise
    return {}


def delete(args: "Args") -> "dict[str, Any]":
    """Delete a bridge or tap of that net; `addresses` are those that may go with it.

    Raises:
        OpError: `not-found`; `not-permitted` if it does not carry the net's alias, or has other addresses:
            those of a card whose move back has failed would be nowhere then.
    """
    name = _name(args)
    _index(name)
    alias = _alias_of(name)
    if alias != _tag(args):
        raise OpError("not-permitted", "%s was not made by wslnet for this net (alias %s)" % (name, alias))
    if args.has("addresses"):
        _demand_own(name, args.texts("addresses"))
    _delete(name)
    return {}


def _demand_own(name: "str", own: "list[str]") -> "None":
    found = [
        "%s/%s" % (one["address"], one["prefix"])
        for one in facts_network.addresses()
        if one["link"] == name and one["family"] == 4  # noqa: PLR2004 - IPv4
    ]
    others = [one for one in found if one not in own]
    if others:
        raise OpError("not-permitted", "%s has %s, which is not its own" % (name, ", ".join(others)))


def _free(args: "Args") -> "str":
    name = _name(args)
    try:
        _socket.if_nametoindex(name)
    except OSError:
        return name
    raise OpError("exists", "there is a link %s" % name)


def _name(args: "Args") -> "str":
    name = args.text("name")
    if not _SOUND.match(name):
        raise OpError("bad-op", "no name of a link (at most 15 letters, digits, - _ .): %s" % name)
    return name


def _tag(args: "Args") -> "str":
    return _TAG + args.text("net")


def _mark(args: "Args", name: "str") -> "None":
    index = _socket.if_nametoindex(name)
    _change(_NEW_LINK, 0, _link(index) + attribute(_ALIAS, _tag(args).encode("ascii")))


def _alias_of(name: "str") -> "str | None":
    netlink = Rtnetlink()
    try:
        for data in netlink.dump(_GET_LINK, _link(0)):
            found = attributes(data[16:])
            if text(found.get(_NAME)) == name:
                return text(found.get(_ALIAS))
    finally:
        netlink.close()
    return None


def _delete(name: "str") -> "None":
    _change(_DELETE_LINK, 0, _link(_socket.if_nametoindex(name)))


def _link(index: "int", flags: "int" = 0) -> "bytes":
    return struct.pack("=BxHiII", 0, 0, index, flags, flags)


def _address(index: "int", cidr: "str") -> "bytes":
    address, _, length = cidr.partition("/")
    prefix = int(length) if length.isdigit() else -1
    try:
        packed = _socket.inet_pton(_socket.AF_INET, address)
    except OSError:
        prefix = -1
    if not 1 <= prefix <= 32:  # noqa: PLR2004 - of IPv4
        raise OpError("bad-op", "no IPv4 address with its prefix: %s" % cidr)
    host = (1 << 32 - prefix) - 1
    number = int.from_bytes(packed, "big")
    body = struct.pack("=BBBBi", _socket.AF_INET, prefix, 0, 0, index)
    body += attribute(1, packed) + attribute(2, packed)
    if host > 1:
        body += attribute(4, (number | host).to_bytes(4, "big"))
    return body


def _mac(args: "Args") -> "bytes":
    value = args.text("mac")
    if not re.match(r"([0-9a-f]{2}:){5}[0-9a-f]{2}$", value):
        raise OpError("bad-op", "no MAC address: %s" % value)
    return attribute(_MAC, bytes(bytearray.fromhex(value.replace(":", ""))))


def _user(name: "str") -> "int":
    if name.isdigit():
        return int(name)
    import pwd  # noqa: PLC0415 - only taps with an owner need it

    try:
        return pwd.getpwnam(name).pw_uid
    except KeyError:
        raise OpError("not-found", "no user %s on this machine" % name)


def _index(name: "str") -> "int":
    try:
        return _socket.if_nametoindex(name)
    except OSError:
        raise OpError("not-found", "no such link: %s" % name)


def _text(value: "str") -> "bytes":
    return value.encode("ascii") + b"\0"


def _change(kind: "int", flags: "int", body: "bytes") -> "None":
    netlink = Rtnetlink()
    try:
        netlink.change(kind, flags, body)
    finally:
        netlink.close()
