"""Verbs `card.*`: a card of WSL that lies down, has lost its address or sends too large packets is mended.

WSL makes and configures these cards; this only does again what it did. By netlink, which WSL's filter of
system calls lets pass (wsl-guest-facts 1.11). Sent when needed, and a part of wslnet-agent.
"""

import _socket
import errno
import struct

from wslnet_linux_agent import facts_network
from wslnet_linux_agent.netlink import CREATE_ONLY, Rtnetlink, attribute
from wslnet_linux_agent.ops import OpError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from wslnet_linux_agent.ops import Args

_NEW_LINK, _NEW_ADDRESS, _DELETE_ADDRESS = 16, 20, 21
_UP = 1
_IPV4 = 4
_BOOT = "/proc/sys/kernel/random/boot_id"


def up(args: "Args") -> "dict[str, Any]":
    """Take a link up.

    Raises:
        OpError: `not-found` if there is none of that name.
    """
    return _switch(args, _UP)


def down(args: "Args") -> "dict[str, Any]":
    """Take it down again."""
    return _switch(args, 0)


def add_address(args: "Args") -> "dict[str, Any]":
    """Give a link an address; `boot`: of the start of the machine that it is for.

    Raises:
        OpError: `not-found` without the link, `exists` if it has it, `not-permitted` after another start.
    """
    if _is_over(args):
        raise OpError("not-permitted", "the machine has been started since: Windows gives addresses anew")
    _change(args, _NEW_ADDRESS, CREATE_ONLY)
    return {}


def delete_address(args: "Args") -> "dict[str, Any]":
    """Take the address away again."""
    _change(args, _DELETE_ADDRESS, 0)
    return {}


def set_mtu(args: "Args") -> "dict[str, Any]":
    """Give a link another MTU, until Windows sends its own again.

    Raises:
        OpError: `not-found` if there is none of that name.
    """
    mtu = struct.pack("=I", args.number("mtu", None, 65535))
    _send(_NEW_LINK, 0, struct.pack("=BxHiII", 0, 0, _index(args), 0, 0) + attribute(4, mtu))
    return {}


def has_mtu(args: "Args") -> "bool":
    """Whether the link has that MTU."""
    wanted = (args.text("link"), args.number("mtu", None, 65535))
    return any((one["name"], one["mtu"]) == wanted for one in facts_network.links())


def is_up(args: "Args") -> "bool":
    """Whether the link is up."""
    return any(one["name"] == args.text("link") and one["up"] for one in facts_network.links())


def needs_no_address(args: "Args") -> "bool":
    """Whether the link has an IPv4 address, ours or a newer one, or the machine was started anew since."""
    link = args.text("link")
    has = any(one["link"] == link and one["family"] == _IPV4 for one in facts_network.addresses())
    return has or _is_over(args)


def _is_over(args: "Args") -> "bool":
    with open(_BOOT, encoding="ascii") as file:
        return file.read().strip() != args.text("boot")


def _switch(args: "Args", flags: "int") -> "dict[str, Any]":
    _send(_NEW_LINK, 0, struct.pack("=BxHiII", 0, 0, _index(args), flags, _UP))
    return {}


def _change(args: "Args", kind: "int", flags: "int") -> "None":
    address, prefix = args.text("address"), args.number("prefix", None, 32)
    try:
        packed = _socket.inet_pton(_socket.AF_INET, address)
    except OSError:
        raise OpError("bad-op", "no IPv4 address: %s" % address)
    body = struct.pack("=BBBBi", _socket.AF_INET, prefix, 0, 0, _index(args))
    _send(kind, flags, body + attribute(1, packed) + attribute(2, packed))


def _index(args: "Args") -> "int":
    try:
        return _socket.if_nametoindex(args.text("link"))
    except OSError:
        raise OpError("not-found", "no such link: %s" % args.text("link"))


def _send(kind: "int", flags: "int", body: "bytes") -> "None":
    netlink = Rtnetlink()
    try:
        netlink.change(kind, flags, body)
    except OSError as error:
        if error.errno != errno.EADDRNOTAVAIL:
            raise
        raise OpError("not-found", "the link has no such address")
    finally:
        netlink.close()
