"""WSL's packet filter in a mirrored guest: its chains, and per card the masquerade lines and routing rules.

The commands are those of corpus/wsl-guest/mirrored-wifi/writes.txt, gathered into one transaction each. They
share tables with iptables-nft on purpose; nothing here is re-made later (wsl-guest-facts 1.8).
"""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING

from wslnet_lab.fabric.netns import FabricError

if TYPE_CHECKING:
    from wslnet_lab.fabric.model import PortBlock
    from wslnet_lab.fabric.netns import Namespace

FAMILIES = ("ip", "ip6")
TABLE_LOCAL = 255
PROTOCOLS = (socket.IPPROTO_TCP, socket.IPPROTO_UDP)


def add_chains(ns: Namespace) -> None:
    """Make WSLOUTPUT, which marks what the guest's own processes send, and the empty WSLPOSTROUTING."""
    lines = []
    for family in FAMILIES:
        lines += [
            f"add table {family} filter",
            f"add chain {family} filter WSLOUTPUT {{ type filter hook output priority filter; }}",
            f"add rule {family} filter WSLOUTPUT counter meta mark set 0x1",
            f"add table {family} nat",
            f"add chain {family} nat WSLPOSTROUTING {{ type nat hook postrouting priority srcnat - 1; }}",
        ]
    ns.nft("\n".join(lines) + "\n")


def add_card(ns: Namespace, device: str, block: PortBlock) -> None:
    """Masquerade what the card forwards into the port block, and let it deliver to local sockets.

    Raises:
        FabricError: WSL's chains are gone; then the rules are not set either (wsl-guest-facts 1.8).
    """
    ns.set_sysctls({f"ipv4/conf/{device}/accept_local": 1, f"ipv4/conf/{device}/route_localnet": 1})
    ports = f"{block.first}-{block.last}"
    ns.nft(
        "".join(
            f'add rule {family} nat WSLPOSTROUTING oif "{device}" {protocol} sport 1-65535 meta mark != 0x1 '
            f"counter masquerade to :{ports}\n"
            for family in FAMILIES
            for protocol in ("udp", "tcp")
        )
    )
    add_delivery_rules(ns, device)


def remove_card(ns: Namespace, device: str) -> None:
    """Take the card's masquerade lines and rules away."""
    script = "".join(
        f"delete rule {family} nat WSLPOSTROUTING handle {handle}\n"
        for family in FAMILIES
        for handle in _lines_of(ns, family, device)
    )
    ns.nft(script)
    for protocol in PROTOCOLS:
        ns.netlink("rule", "del", priority=0, iifname=device, ip_proto=protocol, table=TABLE_LOCAL)


def add_delivery_rules(ns: Namespace, device: str) -> None:
    """What comes in on the card may reach local addresses before tables 127 and 128 are asked."""
    for protocol in PROTOCOLS:
        add_rule(ns, 0, TABLE_LOCAL, iifname=device, ip_proto=protocol)


def add_rule(ns: Namespace, priority: int, table: int, **match: object) -> None:
    """Add one IPv4 routing rule."""
    ns.netlink("rule", "add", priority=priority, table=table, **match)


def _lines_of(ns: Namespace, family: str, device: str) -> list[int]:
    text = ns.run(["nft", "-j", "-a", "list", "chain", family, "nat", "WSLPOSTROUTING"])
    rules = [entry["rule"] for entry in json.loads(text)["nftables"] if "rule" in entry]
    handles = [rule["handle"] for rule in rules if _leaves_by(rule["expr"], device)]
    if not handles:
        raise FabricError(f"{ns.name}: WSLPOSTROUTING ({family}) has no line for {device}")
    return handles


def _leaves_by(expressions: list[dict[str, object]], device: str) -> bool:
    wanted = {"op": "==", "left": {"meta": {"key": "oif"}}, "right": device}
    return any(expression.get("match") == wanted for expression in expressions)
