"""A rule of Windows' own firewall as the text that the registry holds of it ([MS-GPFAS] 2.2.2.19)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wslnet_lab.host.state.firewall import ALLOW, INBOUND, RULE_ENABLED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_POLICY = r"HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet\Services\SharedAccess\Parameters\FirewallPolicy"
REGISTRY_KEY = rf"{_POLICY}\FirewallRules"
_VERSION = "v2.31"
_PROTOCOLS = {"TCP": "6", "UDP": "17", "ICMPv4": "1", "ICMPv6": "58"}
_PROFILES = {1: "Domain", 2: "Private", 4: "Public"}
_PLAIN = {
    "Program": "App",
    "Service": "Svc",
    "DisplayName": "Name",
    "Description": "Desc",
    "RuleGroup": "EmbedCtxt",
}


def registry_text(row: Mapping[str, Any], guid_of: Callable[[str], str | None]) -> str:
    """The text of a rule in its normal form; `guid_of` gives the GUID of the adapter of a name."""
    return "|".join([_VERSION, *_fields(row, guid_of)]) + "|"


def _fields(row: Mapping[str, Any], guid_of: Callable[[str], str | None]) -> Iterator[str]:
    yield f"Action={'Allow' if row['Action'] == ALLOW else 'Block'}"
    yield f"Active={'TRUE' if row['Enabled'] == RULE_ENABLED else 'FALSE'}"
    yield f"Dir={'In' if row['Direction'] == INBOUND else 'Out'}"
    if row["Protocol"] != "Any":
        yield f"Protocol={_PROTOCOLS.get(row['Protocol'], row['Protocol'])}"
    yield from (f"Profile={name}" for bit, name in _PROFILES.items() if row["Profiles"] & bit)
    for name, field in (("LocalPort", "LPort"), ("RemotePort", "RPort")):
        for port in row[name]:
            if port != "Any":
                yield f"{field}2_10={port}" if "-" in port else f"{field}={port}"
    for address in row["RemoteAddress"]:
        if address != "Any":
            yield f"RA{'6' if ':' in address else '4'}={address}"
    aliases = row.get("InterfaceAlias") or []
    for alias in [aliases] if isinstance(aliases, str) else aliases:
        guid = guid_of(alias)
        if guid is not None:
            yield f"IF={guid}"
    yield from (
        f"{field}={row[name]}" for name, field in _PLAIN.items() if row.get(name) not in (None, "Any")
    )
