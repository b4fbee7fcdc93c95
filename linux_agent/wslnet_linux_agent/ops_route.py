"""Verbs `route.add` and `route.delete`, by netlink, so that they work beside any version of iproute2.

Both are exact: adding what is there is `exists`; deleting needs a route that is equal in every argument,
because the kernel itself would take a metric or protocol of 0 as "any".
"""

# As in netlink.py: the C half is all that is needed.
import _socket
import struct

from wslnet_linux_agent import facts_network
from wslnet_linux_agent.netlink import CREATE_ONLY, Rtnetlink, attribute
from wslnet_linux_agent.ops import OpError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from wslnet_linux_agent.ops import Args

_NEW, _DELETE = 24, 25
_FAMILIES = {4: (_socket.AF_INET, 32), 6: (_socket.AF_INET6, 128)}
_TYPES = {"unicast": 1, "blackhole": 6, "unreachable": 7, "prohibit": 8, "throw": 9}
_ONLINK = 4
_GLOBAL, _ON_LINK, _ANY_SCOPE = 0, 253, 255
_MAIN, _MARK = 254, 119
_IPV6_DEFAULT_METRIC = 1024


def add(args: "Args") -> "dict[str, Any]":
    """Add a route.

    Raises:
        OpError, OSError: `exists` if one to that destination with that metric is there.
    """
    near = args.choice("family", (4, 6)) == 4 and not args.has("via") and _type(args) == "unicast"
    body = _message(args, _ON_LINK if near else _GLOBAL)
    _change(_NEW, CREATE_ONLY, body)
    return {}


def delete(args: "Args") -> "dict[str, Any]":
    """Delete the route that is equal in every argument.

    Raises:
        OpError: `not-found` if there is none.
    """
    body = _message(args, _ANY_SCOPE if args.choice("family", (4, 6)) == 4 else _GLOBAL)
    if not any(is_meant(args, route) for route in facts_network.routes()):
        raise OpError("not-found", "no such route: %s" % args.text("dst"))
    _change(_DELETE, 0, body)
    return {}


def _message(args: "Args", scope: "int") -> "bytes":
    family, longest = _FAMILIES[args.choice("family", (4, 6))]
    network, prefix = _destination(args, family, longest)
    table = args.number("table", _MAIN)
    head = table if table < 256 else 0
    body = struct.pack(
        "=8BI",
        family, prefix, 0, 0, head, args.number("proto", _MARK, 255), scope, _TYPES[_type(args)],
        _ONLINK if args.has("onlink") else 0,
    )  # fmt: skip
    body += attribute(15, struct.pack("=I", table))
    if prefix:
        body += attribute(1, network)
    if args.has("via"):
        body += attribute(5, _packed(family, args.text("via"), "via"))
    if args.has("dev"):
        body += attribute(4, struct.pack("=I", _link(args.text("dev"))))
    elif not args.has("via") and _type(args) == "unicast":
        raise OpError("bad-op", "a route needs via or dev")
    if args.has("src"):
        body += attribute(7, _packed(family, args.text("src"), "src"))
    if args.number("metric", 0):
        body += attribute(6, struct.pack("=I", args.number("metric", 0)))
    return body


def _type(args: "Args") -> "str":
    kind = args.text("type", "unicast")
    if kind not in _TYPES:
        raise OpError("bad-op", "no such type of route: %s" % kind)
    return kind


def _destination(args: "Args", family: "int", longest: "int") -> "tuple[bytes, int]":
    dst = args.text("dst")
    if dst == "default":
        return b"", 0
    network, _, length = dst.partition("/")
    if not length.isdigit() or int(length) > longest:
        raise OpError("bad-op", "dst must be default or ADDRESS/LENGTH, not %s" % dst)
    return _packed(family, network, "dst"), int(length)


def _packed(family: "int", text: "str", name: "str") -> "bytes":
    try:
        return _socket.inet_pton(family, text)
    except OSError:
        raise OpError("bad-op", "%s: no address of that family: %s" % (name, text))


def _link(name: "str") -> "int":
    try:
        return _socket.if_nametoindex(name)
    except OSError:
        raise OpError("not-found", "no such interface: %s" % name)


def is_meant(args: "Args", route: "dict[str, Any]") -> "bool":
    """Whether a route that is there is equal in every argument."""
    family = args.choice("family", (4, 6))
    metric = args.number("metric", 0)
    if family == 6 and not metric:
        metric = _IPV6_DEFAULT_METRIC
    return (
        route["family"] == family
        and _same(family, route["dst"], args.text("dst"))
        and _same(family, route["via"], args.text("via") if args.has("via") else None)
        and (not args.has("dev") or route["dev"] == args.text("dev"))
        and route["table"] == args.number("table", _MAIN)
        and route["proto"] == args.number("proto", _MARK, 255)
        and route["metric"] == metric
        and route["type"] == _type(args)
        and "hops" not in route
    )


def _same(family: "int", one: "str | None", other: "str | None") -> "bool":
    return _canonical(family, one) == _canonical(family, other)


def _canonical(family: "int", text: "str | None") -> "object":
    if text is None or text == "default":
        return text
    address, _, length = text.partition("/")
    return _packed(_FAMILIES[family][0], address, "address"), length


def _change(kind: "int", flags: "int", body: "bytes") -> "None":
    netlink = Rtnetlink()
    try:
        netlink.change(kind, flags, body)
    finally:
        netlink.close()
