"""Facts from rtnetlink: links, addresses, routes, policy rules, neighbours.

Names of flags, scopes and states are those that `ip` prints; numbers stay numbers where `ip` needs a file
to name them (protocols, tables).
"""

import struct

from wslnet_linux_agent.netlink import Rtnetlink, address, attribute, attributes, number, text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_LINK, _ADDRESS, _ROUTE, _NEIGHBOUR, _RULE = 18, 22, 26, 30, 34
_FAMILIES = {2: 4, 10: 6}
_LOCAL_TABLE = 255
_CLONED = 0x200
_NO_STATISTICS = attribute(29, struct.pack("=I", 8))

_LINK_FLAGS = {
    0: "UP", 1: "BROADCAST", 2: "DEBUG", 3: "LOOPBACK", 4: "POINTOPOINT", 6: "RUNNING", 7: "NOARP",
    8: "PROMISC", 9: "ALLMULTI", 10: "MASTER", 11: "SLAVE", 12: "MULTICAST", 16: "LOWER_UP", 17: "DORMANT",
}  # fmt: skip
_ADDRESS_FLAGS = {
    0: "secondary", 1: "nodad", 2: "optimistic", 3: "dadfailed", 4: "home", 5: "deprecated", 6: "tentative",
    7: "permanent", 8: "mngtmpaddr", 9: "noprefixroute", 10: "autojoin", 11: "stable-privacy",
}  # fmt: skip
_ROUTE_FLAGS = {0: "dead", 1: "pervasive", 2: "onlink", 3: "offload", 4: "linkdown"}
_SCOPES = {0: "global", 200: "site", 253: "link", 254: "host", 255: "nowhere"}
_ROUTE_TYPES = {
    1: "unicast", 2: "local", 3: "broadcast", 4: "anycast", 5: "multicast", 6: "blackhole", 7: "unreachable",
    8: "prohibit", 9: "throw",
}  # fmt: skip
_RULE_ACTIONS = {1: "lookup", 2: "goto", 3: "nop", 6: "blackhole", 7: "unreachable", 8: "prohibit"}
_STATES = {
    1: "INCOMPLETE", 2: "REACHABLE", 4: "STALE", 8: "DELAY", 16: "PROBE", 32: "FAILED", 64: "NOARP",
    128: "PERMANENT",
}  # fmt: skip


def links() -> "list[dict[str, Any]]":
    """All interfaces."""
    objects = []
    for data in _dump(_LINK, struct.pack("=BxHiII", 0, 0, 0, 0, 0) + _NO_STATISTICS):
        index, flags = struct.unpack_from("=4xiI", data)
        objects.append((index, flags, attributes(data[16:])))
    names = {index: text(found.get(3)) for index, _, found in objects}
    return [
        {
            "index": index,
            "name": names[index],
            "mac": _mac(found.get(1)),
            "mtu": number(found.get(4)),
            "up": bool(flags & 1),
            "carrier": bool(number(found.get(33))),
            "kind": text(attributes(found.get(18, b"")).get(1)),
            "master": names.get(number(found.get(10)) or 0),
            "flags": _bits(_LINK_FLAGS, flags),
            "qdisc": text(found.get(6)),
        }
        for index, flags, found in objects
    ]


def addresses() -> "list[dict[str, Any]]":
    """All addresses; of a point-to-point link the own end."""
    names = _names()
    result = []
    for data in _dump(_ADDRESS, bytes(8)):
        family, prefix, flags, scope, index = struct.unpack_from("=BBBBi", data)
        found = attributes(data[8:])
        if family in _FAMILIES:
            result.append(
                {
                    "link": names.get(index),
                    "family": _FAMILIES[family],
                    "address": address(found.get(2, found.get(1))),
                    "prefix": prefix,
                    "scope": _SCOPES.get(scope, str(scope)),
                    "flags": _bits(_ADDRESS_FLAGS, number(found.get(8)) or flags),
                }
            )
    return result


def routes() -> "list[dict[str, Any]]":
    """All routes outside the local table; `hops` holds the next hops of a multipath route."""
    names = _names()
    return [
        route
        for family in _FAMILIES
        for route in (_route(names, data) for data in _dump(_ROUTE, struct.pack("=B11x", family)))
        if route is not None
    ]


def _route(names: "dict[int, str]", data: "bytes") -> "dict[str, Any] | None":
    family, prefix, _, _, table, proto, scope, kind, flags = struct.unpack_from("=8BI", data)
    found = attributes(data[12:])
    table = number(found.get(15)) or table
    if family not in _FAMILIES or table == _LOCAL_TABLE or flags & _CLONED:
        return None
    hops = _hops(names, found.get(9, b""))
    first = hops[0] if hops else {"via": _gateway(found), "dev": names.get(number(found.get(4)) or 0)}
    target = address(found.get(1, bytes(4 if family == 2 else 16)))
    route = {
        "family": _FAMILIES[family],
        "dst": "%s/%d" % (target, prefix) if prefix else "default",
        "via": first["via"],
        "dev": first["dev"],
        "table": table,
        "proto": proto,
        "metric": number(found.get(6)) or 0,
        "src": address(found.get(7)),
        "scope": _SCOPES.get(scope, str(scope)),
        "type": _ROUTE_TYPES.get(kind, str(kind)),
        "flags": _bits(_ROUTE_FLAGS, flags),
    }
    if hops:
        route["hops"] = hops
    return route


def _hops(names: "dict[int, str]", data: "bytes") -> "list[dict[str, Any]]":
    hops = []
    while len(data) >= 8:
        size, _, _, index = struct.unpack_from("=HBBi", data)
        if size < 8:
            break
        hops.append({"via": _gateway(attributes(data[8:size])), "dev": names.get(index)})
        data = data[size + 3 & ~3 :]
    return hops


def _gateway(found: "dict[int, bytes]") -> "str | None":
    # RTA_VIA (18) is a gateway of the other family, with the family in front.
    return address(found.get(5)) or address(found.get(18, b"")[2:])


def rules() -> "list[dict[str, Any]]":
    """The policy rules of both families, in the kernel's order."""
    result = []
    for kernel_family, family in _FAMILIES.items():
        for data in _dump(_RULE, struct.pack("=B11x", kernel_family)):
            _, to, source, _, table, _, _, action, _ = struct.unpack_from("=8BI", data)
            found = attributes(data[12:])
            result.append(
                {
                    "family": family,
                    "priority": number(found.get(6)) or 0,
                    "iif": text(found.get(3)),
                    "oif": text(found.get(17)),
                    "src": _prefix(found.get(2), source),
                    "dst": _prefix(found.get(1), to),
                    "ipproto": number(found.get(22)),
                    "fwmark": number(found.get(10)),
                    "fwmask": number(found.get(16)),
                    "table": number(found.get(15)) or table or None,
                    "action": _RULE_ACTIONS.get(action, str(action)),
                }
            )
    return result


def neighbours() -> "list[dict[str, Any]]":
    """Neighbours as `ip neigh` shows them: without those that need no resolution."""
    names = _names()
    result = []
    for data in _dump(_NEIGHBOUR, bytes(12)):
        family, index, state = struct.unpack_from("=B3xiH", data)
        found = attributes(data[12:])
        if family in _FAMILIES and _STATES.get(state) not in (None, "NOARP"):
            result.append(
                {
                    "dev": names.get(index),
                    "family": _FAMILIES[family],
                    "address": address(found.get(1)),
                    "mac": _mac(found.get(2)),
                    "state": _STATES[state],
                }
            )
    return result


def _dump(kind: "int", body: "bytes") -> "list[bytes]":
    netlink = Rtnetlink()
    try:
        return netlink.dump(kind, body)
    finally:
        netlink.close()


def _names() -> "dict[int, str]":
    return {link["index"]: link["name"] for link in links()}


def _mac(value: "bytes | None") -> "str | None":
    return ":".join("%02x" % byte for byte in value) if value and len(value) == 6 else None


def _prefix(value: "bytes | None", length: "int") -> "str | None":
    return None if value is None else "%s/%d" % (address(value), length)


def _bits(names: "dict[int, str]", value: "int") -> "list[str]":
    return [names[bit] for bit in sorted(names) if value >> bit & 1]
