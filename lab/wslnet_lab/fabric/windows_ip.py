"""What Windows' own IP stack shows and lets be changed: adapters, addresses, routes, forwarding.

The kernel is the only memory: everything is read from the namespace when asked. Which interface is which
adapter of Windows is data of the caller; interfaces that it does not name are the fabric's own and not shown.
"""

from __future__ import annotations

import ipaddress
import json
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from . import links, windows_rules
from .model import Nic
from .netns import FabricError, Namespace
from .windows_rules import WINDOWS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Kind = Literal["physical", "external", "wsl-nat", "fse", "default-switch", "vpn", "vmware"]

# The dynamic range of Windows (netsh int ipv4 show dynamicport), away from WSL's reserved block.
DYNAMIC_PORTS = "49152 65535"
FAMILIES = {4: socket.AF_INET, 6: socket.AF_INET6}
ANYWHERE = {4: "0.0.0.0", 6: "::"}
TABLE_MAIN = 254
RT_SCOPE_NOWHERE = 255
# MIB_IPPROTO_NETMGMT and the static routes of the lab look alike to Windows: both are set by hand.
PROTOCOL_NAMES = {2: "kernel", 3: "boot", 4: "static"}
IFF_UP = 0x1
IFF_LOWER_UP = 0x10000
# An internal virtual switch is connected to the host whether or not a machine hangs on it.
ALWAYS_CONNECTED = frozenset({"wsl-nat", "fse", "default-switch", "vmware"})


@dataclass(frozen=True)
class Adapter:
    """An adapter as Windows names it, and the interface that stands for it (absent = adapter absent)."""

    name: str
    device: str
    kind: Kind
    guid: str
    description: str
    hidden: bool = False
    category: str = "Private"


def prepare(windows: str) -> None:
    """Set what holds from boot on: Windows' dynamic ports, its packet rules, forwarding off everywhere.

    Raises:
        FabricError: This boot was prepared already.
    """
    with Namespace(windows) as ns:
        ns.set_sysctls(
            {
                "ipv4/ip_local_port_range": DYNAMIC_PORTS,
                "ipv4/ip_forward": 1,
                "ipv6/conf/all/forwarding": 1,
                "ipv4/conf/all/send_redirects": 0,
                "ipv4/conf/default/send_redirects": 0,
            }
        )
        ns.nft(windows_rules.BOOT)


def add_idle_adapter(
    windows: str, device: str, mac: str, *addresses: str, connected: bool = True, mtu: int = 1500
) -> None:
    """Make an adapter whose other end is outside the lab: FSE HostVnic, a VPN, a VMware network.

    `connected` gives it a carrier, by a far end that nobody answers at; without it, it is down.

    Raises:
        FabricError: The interface exists already.
    """
    nic = Nic(device, mac, addresses, mtu=mtu, connected=connected)
    far = f"x{mac.replace(':', '')}"
    with Namespace(windows) as ns:
        links.lay_cable(ns, far, ns, nic)
        links.silence_ipv6(ns, far)
        ns.set_sysctls({f"ipv6/conf/{device}/addr_gen_mode": 1})
        if connected:
            ns.netlink("link", "set", index=ns.require(far), state="up")
        links.configure(ns, nic)


def read_adapters(windows: str, adapters: Sequence[Adapter]) -> list[dict[str, Any]]:
    """The adapters that exist now, in the shape of docs/protocols.md section 3, `adapters`."""
    with Namespace(windows) as ns:
        present = {message.get_attr("IFLA_IFNAME"): message for message in ns.netlink("get_links")}
        addresses = list(ns.netlink("get_addr"))
        forwarding = _forwarding(ns)
    found = []
    for adapter in adapters:
        link = present.get(adapter.device)
        if link is None:
            continue
        up = bool(link["flags"] & IFF_UP)
        found.append(
            {
                "name": adapter.name,
                "index": link["index"],
                "guid": adapter.guid,
                "description": adapter.description,
                "mac": link.get_attr("IFLA_ADDRESS"),
                "mtu": link.get_attr("IFLA_MTU"),
                "up": up,
                "carrier": up and (adapter.kind in ALWAYS_CONNECTED or bool(link["flags"] & IFF_LOWER_UP)),
                "hidden": adapter.hidden,
                "kind": adapter.kind,
                "device": adapter.device,
                "addresses": [
                    _address(message) for message in addresses if message["index"] == link["index"]
                ],
                "forwarding": {family: adapter.device in names for family, names in forwarding.items()},
                "category": adapter.category,
            }
        )
    return found


def read_routes(windows: str, adapters: Sequence[Adapter]) -> list[dict[str, Any]]:
    """Main-table routes over these adapters, in the shape of docs/protocols.md section 3, `routes`."""
    with Namespace(windows) as ns:
        indexes = {index for adapter in adapters if (index := ns.index(adapter.device)) is not None}
        return [
            route
            for family in FAMILIES
            for message in ns.netlink("get_routes", family=FAMILIES[family], table=TABLE_MAIN)
            if (route := _route(message, family))["index"] in indexes
        ]


def set_forwarding(windows: str, index: int, family: int, *, enabled: bool) -> None:
    """Switch forwarding of one interface and family (4 or 6); setting what is set is fine.

    Raises:
        FabricError: No interface has that index.
    """
    with Namespace(windows) as ns:
        element = f'{WINDOWS} forwarding{family} {{ "{_device(ns, index)}" }}\n'
        # Deleting an absent element is an error, adding a present one is not.
        script = f"add element {element}"
        ns.nft(script if enabled else f"{script}delete element {element}")


def add_route(  # noqa: PLR0917 - the columns of one route
    windows: str, family: int, dst: str, via: str | None, index: int, metric: int
) -> None:
    """Add a route; `via` None is on-link.

    Raises:
        FabricError: It exists, the next hop is not reachable, or no interface has that index.
    """
    with Namespace(windows) as ns:
        ns.netlink("route", "add", proto=links.PROTO_STATIC, **_spec(ns, family, dst, via, index, metric))


def delete_route(  # noqa: PLR0917 - the columns of one route
    windows: str, family: int, dst: str, via: str | None, index: int, metric: int | None
) -> None:
    """Delete a route.

    Raises:
        FabricError: It does not exist, or no interface has that index.
    """
    with Namespace(windows) as ns:
        # Whatever its scope, as `ip route del` asks; IPv6 has none.
        scope = {"scope": RT_SCOPE_NOWHERE} if family == 4 else {}  # noqa: PLR2004 - IPv4
        ns.netlink("route", "del", **scope, **_spec(ns, family, dst, via, index, metric))


def _spec(  # noqa: PLR0917 - the columns of one route
    ns: Namespace, family: int, dst: str, via: str | None, index: int, metric: int | None
) -> dict[str, object]:
    _device(ns, index)
    whole = ipaddress.ip_network(dst).prefixlen == 0
    spec: dict[str, object] = {"family": FAMILIES[family], "dst": "default" if whole else dst, "oif": index}
    if via is not None:
        spec["gateway"] = via
    if metric:
        spec["priority"] = metric
    return spec


def _device(ns: Namespace, index: int) -> str:
    try:
        return ns.inside(socket.if_indextoname, index)
    except OSError as error:
        raise FabricError(f"{ns.name} has no interface with the index {index}") from error


def _forwarding(ns: Namespace) -> dict[str, frozenset[str]]:
    return {str(family): frozenset(_elements(ns, f"forwarding{family}")) for family in FAMILIES}


def _elements(ns: Namespace, name: str) -> Iterator[str]:
    listing = json.loads(ns.run(["nft", "-j", "list", "set", *WINDOWS.split(), name]))["nftables"]
    return (str(element) for entry in listing if "set" in entry for element in entry["set"].get("elem", ()))


def _address(message: Any) -> dict[str, Any]:  # noqa: ANN401 - a message of pyroute2
    family = 4 if message["family"] == socket.AF_INET else 6
    return {"family": family, "address": message.get_attr("IFA_ADDRESS"), "prefix": message["prefixlen"]}


def _route(message: Any, family: int) -> dict[str, Any]:  # noqa: ANN401 - a message of pyroute2
    dst = message.get_attr("RTA_DST") or ANYWHERE[family]
    return {
        "family": family,
        "dst": f"{dst}/{message['dst_len']}",
        "via": message.get_attr("RTA_GATEWAY"),
        "index": message.get_attr("RTA_OIF"),
        "metric": message.get_attr("RTA_PRIORITY") or 0,
        "proto": PROTOCOL_NAMES.get(message["proto"], str(message["proto"])),
    }
