"""Whether Windows' own firewall lets somebody come to a port of Windows. A block wins over every allow."""

from __future__ import annotations

import ipaddress
import ntpath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wslnet.model.windows_facts import HostRule, WindowsFacts, WindowsListener

_UNIDENTIFIED = "Public"
"""The category of a network that Windows cannot identify, such as its own switches (windows-facts 5)."""


def wsl_prefix(windows: WindowsFacts) -> str | None:
    """The prefix of WSL's own network behind Windows, by WSL's address and Windows' addresses."""
    service = windows.wsl
    if service is None or service.address is None:
        return None
    there = ipaddress.ip_address(service.address)
    for one in windows.addresses or ():
        network = ipaddress.ip_network(f"{one.address.partition('%')[0]}/{one.prefix}", strict=False)
        if there in network and one.prefix < network.max_prefixlen:
            return str(network)
    return None


def beyond_loopback(listeners: tuple[WindowsListener, ...]) -> tuple[WindowsListener, ...]:
    """The TCP listeners that anybody but Windows itself could come to, one for each port."""
    found: dict[int, WindowsListener] = {}
    for one in sorted(listeners, key=lambda each: (each.port, each.address)):
        address = ipaddress.ip_address(one.address.partition("%")[0])
        if one.proto.lower() == "tcp" and not address.is_loopback:
            found.setdefault(one.port, one)
    return tuple(found.values())


def let_in(
    rules: tuple[HostRule, ...],
    listener: WindowsListener,
    prefix: str,
    *,
    category: str | None = _UNIDENTIFIED,
    service: str | None = None,
) -> tuple[bool, str]:
    """Whether all of `prefix` may come to the listener, and why or why not.

    `category`: of the network that it comes by, that of a switch of Windows if not said; None: not known.
    `service`: which one listens, where its program runs several.
    """
    mine = [
        rule
        for rule in rules
        if _fits(rule, listener, category)
        and _is_from(rule, prefix)
        and (service is None or rule.service in {None, service})
    ]
    blocks = [rule for rule in mine if (rule.action or "").lower() == "block"]
    if blocks:
        return False, f"rule {_words(blocks[0])} blocks it"
    allows = [rule for rule in mine if (rule.action or "").lower() in {"allow", "bypass"}]
    if allows:
        return True, f"rule {_words(allows[0])}"
    return False, "no rule admits it"


def _fits(rule: HostRule, listener: WindowsListener, category: str | None) -> bool:
    if rule.interfaces or (rule.profiles and category not in {None, *rule.profiles}):
        return False
    if rule.protocol not in {None, listener.proto.lower()}:
        return False
    if rule.local_ports and not any(_is_in(text, listener.port) for text in rule.local_ports):
        return False
    if rule.program is None:
        return True
    program = ntpath.basename(rule.program).lower().removesuffix(".exe")
    return program == (listener.process or "").lower().removesuffix(".exe")


def _is_in(text: str, port: int) -> bool:
    low, _, high = text.partition("-")
    return low.isdecimal() and int(low) <= port <= int(high if high.isdecimal() else low)


def _is_from(rule: HostRule, prefix: str) -> bool:
    """Whether the rule speaks of all of the prefix; `LocalSubnet` covers every network of Windows itself."""
    wanted = ipaddress.ip_network(prefix)
    if not rule.remote_addresses or ("LocalSubnet" in rule.remote_addresses and wanted.prefixlen):
        return True
    for text in rule.remote_addresses:
        low, _, high = text.partition("-")
        try:
            network = ipaddress.ip_network(low, strict=False)
            last = int(ipaddress.ip_address(high)) if high else int(network[-1])
        except ValueError:
            continue
        if (
            network.version == wanted.version
            and int(network[0]) <= int(wanted[0])
            and int(wanted[-1]) <= last
        ):
            return True
    return False


def _words(rule: HostRule) -> str:
    return rule.name if rule.display_name in {None, rule.name} else f"{rule.name} ({rule.display_name})"
