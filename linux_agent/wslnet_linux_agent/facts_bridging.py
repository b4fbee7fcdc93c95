"""Fact `bridging`: what bridges and taps need to be known of links beside the fact `links`.

Alias and owner by netlink, what a card is by /sys, NetworkManager by its folder. Not part of the bundle.
"""

import os
import re
import struct

from wslnet_linux_agent.netlink import Rtnetlink, attributes, number, text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_GET_LINK, _GET_NEIGHBOUR = 18, 30
_NAME, _INFO, _ALIAS = 3, 18, 20
_BRIDGE_FAMILY = 7
_BRIDGE = 9
# IFLA_BR_STP_STATE (linux/if_link.h): the kernel's own spanning tree or a program's.
_STP = 5
_CARDS = "/sys/class/net"
_MANAGER = "/run/NetworkManager"
_DROP_INS = _MANAGER + "/conf.d"
_DROP_IN = re.compile(r"wslnet-(.+)\.conf$")
_CLIENTS = ("dhclient", "udhcpc", "dhcpcd")


def bridging() -> "dict[str, Any]":
    """`devices` with something to say, the drop-ins of ours in NetworkManager (null: it does not run)."""
    served = {word: os.path.basename(argv[0]) for _, argv in clients() for word in argv[1:]}
    devices = [_device(found, served) for found in _links()]
    return {
        "devices": [one for one in devices if any(one[key] for key in one if key != "name")],
        "unmanaged": _unmanaged(),
        "dhcp_tools": [tool for tool in _CLIENTS if _has(tool)],
    }


def fdb() -> "list[dict[str, Any]]":
    """Which MAC address is behind which port: the forwarding tables of all bridges."""
    names = {number(found.get(0)): text(found.get(_NAME)) for found in _links()}
    netlink = Rtnetlink()
    try:
        entries = netlink.dump(_GET_NEIGHBOUR, struct.pack("=B11x", _BRIDGE_FAMILY))
    finally:
        netlink.close()
    result = []
    for data in entries:
        _, index, state = struct.unpack_from("=B3xiH", data)
        found = attributes(data[12:])
        mac = found.get(2)
        if mac is not None and _BRIDGE in found:
            result.append(
                {
                    "bridge": names.get(number(found[_BRIDGE])),
                    "port": names.get(index),
                    "mac": ":".join("%02x" % byte for byte in mac),
                    "own": bool(state & 128),
                }
            )
    return result


def _links() -> "list[dict[int, bytes]]":
    netlink = Rtnetlink()
    try:
        dumped = netlink.dump(_GET_LINK, struct.pack("=BxHiII", 0, 0, 0, 0, 0))
    finally:
        netlink.close()
    result = []
    for data in dumped:
        found = attributes(data[16:])
        found[0] = data[4:8]
        result.append(found)
    return result


def _device(found: "dict[int, bytes]", served: "dict[str, str]") -> "dict[str, Any]":
    name = text(found.get(_NAME)) or ""
    info = attributes(found.get(_INFO, b""))
    kind, data = text(info.get(1)), attributes(info.get(2, b""))
    owner = number(data.get(1)) if kind == "tun" else None
    card = os.path.join(_CARDS, name)
    driver = os.path.join(card, "device", "driver")
    return {
        "name": name,
        "alias": text(found.get(_ALIAS)),
        "owner": None if owner is None else str(owner),
        "user": None if owner is None else _user(owner),
        "wireless": any(os.path.exists(os.path.join(card, each)) for each in ("wireless", "phy80211")),
        "driver": os.path.basename(os.path.realpath(driver)) if os.path.exists(driver) else None,
        "dhcp": served.get(name),
        "stp": bool(number(data.get(_STP))) if kind == "bridge" else None,
    }


def _user(uid: "int") -> "str | None":
    import pwd  # noqa: PLC0415 - only taps with an owner need it

    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return None


def _unmanaged() -> "list[str] | None":
    if not os.path.isdir(_MANAGER):
        return None
    names = os.listdir(_DROP_INS) if os.path.isdir(_DROP_INS) else []
    return sorted(found.group(1) for found in map(_DROP_IN.match, names) if found)


def clients() -> "list[tuple[int, list[str]]]":
    """The DHCP clients that run in this network namespace: process and command line."""
    found = []
    mine = os.readlink("/proc/self/ns/net")
    for process in os.listdir("/proc"):
        if not process.isdigit():
            continue
        try:
            with open("/proc/%s/cmdline" % process, "rb") as file:
                words = file.read(4096).decode("utf-8", "replace").split("\0")
            if os.path.basename(words[0]) in _CLIENTS and os.readlink("/proc/%s/ns/net" % process) == mine:
                found.append((int(process), words[:-1]))
        except OSError:
            # It ended between the look and the reading.
            continue
    return found


def _has(tool: "str") -> "bool":
    folders = os.environ.get("PATH", "").split(":")
    return any(os.access(os.path.join(folder, tool), os.X_OK) for folder in folders)
