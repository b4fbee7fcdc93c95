"""The rules of Windows' own firewall as facts, from the registry: one text a rule. Pure.

The cmdlets give ports, addresses, programs and interfaces of a rule as objects apart, hundreds of each; the
registry has all of it at once and in no language ([MS-GPFAS] 2.2.2.19). Written by the cmdlets alone, which
also tell what holds per profile.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet_win_agent import registry
from wslnet_win_agent.values import name_of, text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wslnet_win_agent.bridge import Reply
    from wslnet_win_agent.registry import RegistryKeys

_PROTOCOLS = {"6": "tcp", "17": "udp", "1": "icmp", "58": "icmp6"}


def host_rules(keys: RegistryKeys) -> list[dict[str, object]]:
    """Give every inbound rule that is switched on, of this PC's store and of Group Policy."""
    return [
        rule
        for source, path in registry.HOST_RULES.items()
        for name, line in keys.values(path).items()
        if isinstance(line, str) and (rule := rule_fact(name, line, source)) is not None
    ]


def host_profiles(reply: Reply) -> list[dict[str, object]]:
    """Give what holds in each profile of that firewall, by Windows' own words."""
    return [
        {
            "name": text(row.get("Name")) or "",
            "enabled": name_of(row, "Enabled"),
            "default_inbound": name_of(row, "DefaultInboundAction"),
            "local_rules": name_of(row, "AllowLocalFirewallRules"),
        }
        for row in reply.rows("MSFT_NetFirewallProfile")
    ]


def rule_fact(name: str, line: str, source: str) -> dict[str, object] | None:
    """Give one rule by its text in the registry; None for one that is outbound or off."""
    words: dict[str, list[str]] = {}
    for word in line.split("|")[1:]:
        key, is_field, value = word.partition("=")
        if is_field:
            words.setdefault(key, []).append(value)
    if _first(words, "Dir") != "In" or (_first(words, "Active") or "").upper() != "TRUE":
        return None
    number = _first(words, "Protocol")
    return {
        "name": name,
        "display_name": _first(words, "Name"),
        "action": _first(words, "Action"),
        "profiles": words.get("Profile", []),
        "protocol": None if number is None else _PROTOCOLS.get(number, number),
        "local_ports": [*words.get("LPort", []), *words.get("LPort2_10", [])],
        "remote_addresses": [*_addresses(words, "RA4"), *_addresses(words, "RA6")],
        "program": _first(words, "App"),
        "service": _first(words, "Svc"),
        "interfaces": [guid.upper() for guid in words.get("IF", [])],
        "source": source,
    }


def _first(words: dict[str, list[str]], key: str) -> str | None:
    return next(iter(words.get(key, ())), None)


def _addresses(words: dict[str, list[str]], key: str) -> Iterator[str]:
    """The field, and those of later versions of the format (`RA42=`)."""
    for name, values in words.items():
        if name == key or name.startswith(f"{key}2"):
            yield from values
