"""The wire between 127.0.0.1 of Windows and loopback0 of a mirrored guest.

What the guest sends to 127.0.0.1 comes here: frames for a port of the guest go straight back to it, others
reach Windows' sockets. What Windows' programs send to 127.0.0.1 stays, unless the port is the guest's
(wsl-facts 2.2).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import links
from .guest import loopback
from .model import Nic
from .windows_rules import STEERING

if TYPE_CHECKING:
    from .model import PortBlock
    from .netns import Namespace

DEVICE = "mirrorlo"
TABLE = "ip loopback"
MARK = 1
ROUTES = 100
TABLE_LOCAL = 255
NUD_PERMANENT = 0x80
RTNH_ONLINK = 4


def lay(windows: Namespace, wsl: Namespace, guest_mac: str) -> None:
    """Lay the wire and give Windows the way onto it.

    Raises:
        FabricError: There is a loopback0 in the guest already.
    """
    card = Nic(loopback.NAME, guest_mac)
    links.lay_cable(windows, DEVICE, wsl, card, port_mac=loopback.FAR_MAC)
    links.silence_ipv6(windows, DEVICE)
    index = windows.require(DEVICE)
    conf = f"ipv4/conf/{DEVICE}"
    windows.set_sysctls({f"{conf}/accept_local": 1, f"{conf}/route_localnet": 1, f"{conf}/rp_filter": 0})
    windows.netlink("link", "set", index=index, state="up")
    hop = loopback.NEXT_HOP
    windows.netlink("neigh", "replace", ifindex=index, dst=hop, lladdr=guest_mac, state=NUD_PERMANENT)
    windows.netlink(
        "route", "replace", dst="default", gateway=hop, oif=index, table=ROUTES, flags=RTNH_ONLINK
    )
    # The kernel asks the local table first (rule 0), so the marked packets' rule has to come before it.
    windows.netlink("rule", "add", priority=1, fwmark=MARK, table=ROUTES)
    windows.netlink("rule", "add", priority=2, table=TABLE_LOCAL)
    windows.netlink("rule", "del", priority=0, table=TABLE_LOCAL)


def rules(guest_mac: str, block: PortBlock) -> str:
    """The chains of both directions, as part of the transaction that starts steering."""
    ports = f"{block.first}-{block.last}"
    return f"""\
add chain {STEERING} loopback_back
add rule {STEERING} loopback_back ether saddr set {loopback.FAR_MAC}
add rule {STEERING} loopback_back ether daddr set {guest_mac}
add rule {STEERING} loopback_back fwd to "{DEVICE}"
add chain {STEERING} loopback {{ type filter hook ingress device "{DEVICE}" priority 0; }}
add rule {STEERING} loopback jump guests_port
add rule {STEERING} loopback meta mark 1 goto loopback_back
add rule {STEERING} loopback jump host_in
table {TABLE} {{
    set addresses {{ type ipv4_addr; elements = {{ 127.0.0.1 }}; }}
    set tcp_ports {{ type inet_service; }}
    set udp_ports {{ type inet_service; }}
    chain output {{
        type route hook output priority mangle; policy accept;
        ip daddr != @addresses return
        tcp dport @tcp_ports meta mark set {MARK}
        tcp dport {ports} meta mark set {MARK}
        udp dport @udp_ports meta mark set {MARK}
        udp dport {ports} meta mark set {MARK}
    }}
}}
"""


def remove(ns: Namespace) -> None:
    """Take the wire and everything of it away; harmless where there is none."""
    links.remove(ns, DEVICE)
    ns.nft(f"table {TABLE} {{ }}\ndelete table {TABLE}\n")
    chains = ns.run(["nft", "list", "chains", "netdev"])
    for name in ("loopback", "loopback_back"):
        if f"chain {name} {{" in chains:
            ns.nft(f"flush chain {STEERING} {name}\ndelete chain {STEERING} {name}\n")
    if any(rule.get_attr("FRA_FWMARK") == MARK for rule in ns.netlink("get_rules")):
        ns.netlink("rule", "add", priority=0, table=TABLE_LOCAL)
        for priority, table in ((1, ROUTES), (2, TABLE_LOCAL)):
            ns.netlink("rule", "del", priority=priority, table=table)
