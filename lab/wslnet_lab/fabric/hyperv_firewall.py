"""The Hyper-V firewall for WSL, in force on what passes between the networks of Windows and the guest.

It renders a policy into the chains `hyperv_in`, `hyperv_out`, `host_in` and `host_out` that
`windows_rules.BOOT` made: a permitted packet returns from them, a denied one goes to `denied`.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .netns import FabricError, Namespace
from .windows_rules import STEERING, WINDOWS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_PROTOCOLS = {"TCP": "6", "UDP": "17", "ICMPV4": "1", "ICMPV6": "58"}
LAST_PROTOCOL = 255
LAST_PORT = 65535
_WITH_PORTS = ("6", "17")
# Port keywords that stand for one number here; the others stand for services that this lab has not.
_PORT_KEYWORDS = {"RPC-EPMAP": "135", "IPHTTPSIN": "443"}


@dataclass(frozen=True)
class Rule:
    """One enabled rule of the Hyper-V firewall (windows-facts 2).

    Attributes:
        name: InstanceID, for messages only.
        direction: "Inbound" or "Outbound".
        action: "Allow" or "Block".
        protocol: "TCP", "UDP", "ICMPv4", "ICMPv6", a number, or "Any".
        local_ports: "8080", "5000-5010"; empty or "Any" for all.
        remote_addresses: Addresses, prefixes, "a-b" ranges, "LocalSubnet"; empty or "Any" for all.
    """

    name: str
    direction: str
    action: str
    protocol: str
    local_ports: tuple[str, ...] = ()
    remote_addresses: tuple[str, ...] = ()


@dataclass(frozen=True)
class Policy:
    """The effective policy for WSL's creator id: OS defaults with what WSL itself sets (wsl-facts 2.3)."""

    enabled: bool = True
    default_inbound: str = "Block"
    default_outbound: str = "Allow"
    loopback: bool = True
    rules: tuple[Rule, ...] = ()


def apply(windows: str, policy: Policy) -> None:
    """Put the policy in force in one step; it holds for NAT and mirrored mode and outlives the guest.

    Connections that exist go on. `LocalSubnet` means the subnets that Windows has at this moment.

    Raises:
        FabricError: A rule has a protocol, port or address that is none, or Windows was not prepared.
    """
    with Namespace(windows) as ns:
        subnets = local_subnets(ns) if names_subnets(policy) else ()
        ns.nft(render(policy, subnets))


def render(policy: Policy, subnets: Sequence[str] = ()) -> str:
    """The policy as one nft transaction; `subnets` stand for LocalSubnet."""
    inbound = inbound_rules(policy, subnets)
    outbound = list(_chain(policy, "Outbound", policy.default_outbound, subnets))
    host = ["goto denied"] if policy.enabled and not policy.loopback else []
    lines: list[str] = []
    for table in (WINDOWS, STEERING):
        lines += _refill(table, "hyperv_in", inbound)
        lines += _refill(table, "hyperv_out", outbound)
        lines += _refill(table, "host_in", host)
    lines += _refill(WINDOWS, "host_out", host)
    return "\n".join(lines) + "\n"


def inbound_rules(policy: Policy, subnets: Sequence[str]) -> list[str]:
    """What judges what comes in, as rules of one chain; `subnets` stand for LocalSubnet."""
    return list(_chain(policy, "Inbound", policy.default_inbound, subnets))


def _refill(table: str, chain: str, rules: Sequence[str]) -> list[str]:
    return [f"flush chain {table} {chain}", *(f"add rule {table} {chain} {rule}" for rule in rules)]


def _chain(policy: Policy, direction: str, default: str, subnets: Sequence[str]) -> Iterator[str]:
    if not policy.enabled:
        return
    # Block beats allow whatever their order (wsl-facts 2.3).
    for action, verdict in (("block", "goto denied"), ("allow", "return")):
        for rule in policy.rules:
            if rule.direction.lower() == direction.lower() and rule.action.lower() == action:
                for match in _matches(rule, subnets):
                    yield " ".join([*match.split(), verdict])
    if default.lower() == "block":
        yield "goto denied"


def _matches(rule: Rule, subnets: Sequence[str]) -> Iterator[str]:
    """One nft match per address family the rule names; none for a rule that can match nothing here."""
    inbound = rule.direction.lower() == "inbound"
    protocol = _protocol(rule)
    ports = _ports(rule)
    if ports is not None and not ports:
        return
    what = "" if protocol is None else f"meta l4proto {protocol} "
    if ports is not None:
        if protocol not in _WITH_PORTS:
            raise FabricError(f"rule {rule.name}: ports need the protocol TCP or UDP")
        what += f"th {'dport' if inbound else 'sport'} {{ {', '.join(ports)} }} "
    remotes = _remotes(rule, subnets)
    if remotes is None:
        yield what
        return
    side = "saddr" if inbound else "daddr"
    for word, version in (("ip", 4), ("ip6", 6)):
        chosen = [text for family, text in remotes if family == version]
        if chosen:
            yield f"{word} {side} {{ {', '.join(chosen)} }} {what}"


def _protocol(rule: Rule) -> str | None:
    if rule.protocol.upper() == "ANY":
        return None
    number = _PROTOCOLS.get(rule.protocol.upper(), rule.protocol)
    if not number.isdecimal() or int(number) > LAST_PROTOCOL:
        raise FabricError(f"rule {rule.name}: no protocol {rule.protocol}")
    return number


def _ports(rule: Rule) -> list[str] | None:
    if not rule.local_ports or any(port.upper() == "ANY" for port in rule.local_ports):
        return None
    found = []
    for text in rule.local_ports:
        port = _PORT_KEYWORDS.get(text.upper(), text)
        first, _, last = port.partition("-")
        if all(end.isdecimal() and int(end) <= LAST_PORT for end in (first, last or first)):
            found.append(port)
        elif not text.replace("-", "").isalpha():
            raise FabricError(f"rule {rule.name}: no port {text}")
    return found


def _remotes(rule: Rule, subnets: Sequence[str]) -> list[tuple[int, str]] | None:
    if not rule.remote_addresses or any(text.upper() == "ANY" for text in rule.remote_addresses):
        return None
    found: list[tuple[int, str]] = []
    for text in rule.remote_addresses:
        for part in subnets if text.lower().startswith("localsubnet") else (text,):
            try:
                if "-" in part:
                    first, last = (ipaddress.ip_address(end) for end in part.split("-", 1))
                    found.append((first.version, f"{first}-{last}"))
                else:
                    network = ipaddress.ip_network(part, strict=False)
                    found.append((network.version, str(network)))
            except ValueError as error:
                raise FabricError(f"rule {rule.name}: no address {part}: {error}") from error
    return found


def names_subnets(policy: Policy) -> bool:
    """Whether a rule speaks of LocalSubnet."""
    return any(
        text.lower().startswith("localsubnet") for rule in policy.rules for text in rule.remote_addresses
    )


def local_subnets(ns: Namespace) -> tuple[str, ...]:
    """The subnets of Windows' own addresses, without its loopback."""
    subnets = set()
    for message in ns.netlink("get_addr"):
        address, prefix = message.get_attr("IFA_ADDRESS"), message["prefixlen"]
        network = ipaddress.ip_network(f"{address}/{prefix}", strict=False)
        if not network.is_loopback:
            subnets.add(str(network))
    return tuple(sorted(subnets))
