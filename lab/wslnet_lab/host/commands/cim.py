"""Builds rows of CIM classes: every property of the class in its order, raw numbers, the types file's text.

The classes come from the oracle; what its pages lack (properties seen on real machines, classes of other
namespaces) is added here. No rows live here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from wslnet_lab.host.contract import CimInstance, CimValue
from wslnet_lab.host.engine.signatures import load_oracle

if TYPE_CHECKING:
    from collections.abc import Mapping

NAMESPACE = "ROOT/StandardCimv2"
INFINITE = timedelta(days=10675199, hours=2, minutes=48, seconds=5, microseconds=477581)
IPV4, IPV6 = 2, 23
FAMILIES = {4: IPV4, 6: IPV6}
ACTIVE_STORE, PERSISTENT_STORE = 1, 0

_CONNECTIVITY = {"0": "Disconnected", "1": "NoTraffic", "2": "Subnet", "3": "LocalNetwork", "4": "Internet"}
_MORE_PROPERTIES: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "MSFT_NetUDPEndpoint": {"OwningProcess": {"type": "uint32"}, "CreationTime": {"type": "datetime"}},
    "MSFT_NetRoute": {"InterfaceMetric": {"type": "uint32"}, "CompartmentId": {"type": "uint32"}},
}
_MORE_CLASSES: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "MSFT_NetConnectionProfile": {
        "Caption": {"type": "string"},
        "Description": {"type": "string"},
        "ElementName": {"type": "string"},
        "InstanceID": {"type": "string"},
        "DomainAuthenticationKind": {"type": "uint32", "values": {"0": "None", "1": "Ldap", "2": "Tls"}},
        "InterfaceAlias": {"type": "string"},
        "InterfaceIndex": {"type": "uint32"},
        "IPv4Connectivity": {"type": "uint32", "values": _CONNECTIVITY},
        "IPv6Connectivity": {"type": "uint32", "values": _CONNECTIVITY},
        "Name": {"type": "string"},
        "NetworkCategory": {
            "type": "uint32",
            "values": {"0": "Public", "1": "Private", "2": "DomainAuthenticated"},
        },
    },
    "MSFT_NetNat": {
        "Name": {"type": "string"},
        "ExternalIPInterfaceAddressPrefix": {"type": "string"},
        "InternalIPInterfaceAddressPrefix": {"type": "string"},
        "Active": {"type": "boolean"},
    },
}
_GPO = {"0": "False", "1": "True", "2": "NotConfigured"}
_RULE_ENABLED = {"1": "True", "2": "False"}
# Where the types file shows other words than the class page.
_WORDS: Mapping[str, Mapping[str, Mapping[str, str]]] = {
    "MSFT_NetFirewallHyperVVMSetting": {
        "Enabled": _GPO,
        "LoopbackEnabled": _GPO,
        "AllowHostPolicyMerge": _GPO,
    },
    "MSFT_NetFirewallHyperVProfile": {"Enabled": _GPO, "AllowLocalFirewallRules": _GPO},
    "MSFT_NetFirewallHyperVRule": {"Enabled": _RULE_ENABLED},
    "MSFT_NetFirewallRule": {"Enabled": _RULE_ENABLED},
    "MSFT_NetFirewallProfile": {
        "Enabled": _GPO,
        "DefaultInboundAction": {"0": "NotConfigured", "2": "Allow", "4": "Block"},
        "DefaultOutboundAction": {"0": "NotConfigured", "2": "Allow", "4": "Block"},
        "AllowInboundRules": _GPO,
        "AllowLocalFirewallRules": _GPO,
        "AllowLocalIPsecRules": _GPO,
        "AllowUserApps": _GPO,
        "AllowUserPorts": _GPO,
        "AllowUnicastResponseToMulticast": _GPO,
        "NotifyOnListen": _GPO,
        "LogAllowed": _GPO,
        "LogBlocked": _GPO,
        "LogIgnored": _GPO,
        "EnableStealthModeForIPsec": _GPO,
    },
    "MSFT_NetIPInterface": {"Store": {"0": "PersistentStore", "1": "ActiveStore"}},
    "MSFT_NetIPAddress": {"Store": {"0": "PersistentStore", "1": "ActiveStore"}},
    "MSFT_NetRoute": {"Store": {"0": "PersistentStore", "1": "ActiveStore"}},
}
_ALIASES: Mapping[str, Mapping[str, str]] = {
    "MSFT_NetIPInterface": {"ifIndex": "InterfaceIndex", "ifAlias": "InterfaceAlias"},
    "MSFT_NetIPAddress": {"ifIndex": "InterfaceIndex", "ifAlias": "InterfaceAlias"},
    "MSFT_NetRoute": {
        "ifIndex": "InterfaceIndex",
        "ifAlias": "InterfaceAlias",
        "ifMetric": "InterfaceMetric",
    },
    "MSFT_NetAdapter": {
        "ifIndex": "InterfaceIndex",
        "ifAlias": "Name",
        "ifDesc": "InterfaceDescription",
        "InterfaceAlias": "Name",
    },
    "MSFT_NetFirewallHyperVRule": {"Name": "InstanceID", "ID": "InstanceID"},
    "MSFT_NetFirewallRule": {"Name": "InstanceID", "ID": "InstanceID", "Profile": "Profiles"},
    "MSFT_DNSClientServerAddress": {"Address": "ServerAddresses"},
}
_STORE_WORD = "PolicyStore"


@dataclass(frozen=True)
class CimClass:
    """One class: its properties in order with type and words, the keys of its instances."""

    name: str
    properties: Mapping[str, Mapping[str, Any]]
    keys: tuple[str, ...]

    def row(self, values: Mapping[str, object]) -> CimInstance:
        """A row with these raw values, Nil elsewhere.

        Raises:
            KeyError: A name is no property of the class.
        """
        unknown = set(values) - set(self.properties)
        if unknown:
            raise KeyError(f"{self.name} has no property {min(unknown)}")
        properties = {
            name: CimValue(_cim_type(str(entry["type"]), values.get(name)), values.get(name))
            for name, entry in self.properties.items()
        }
        friendly: dict[str, object] = {}
        for name, value in values.items():
            word = self._word(name, value)
            if word is not None:
                friendly[_STORE_WORD if name == "Store" else name] = word
        for alias, name in _ALIASES.get(self.name, {}).items():
            friendly[alias] = friendly.get(name, values.get(name))
        return CimInstance(NAMESPACE, self.name, properties, self.keys, friendly)

    def _word(self, name: str, value: object) -> str | None:
        """What the types file's ScriptProperty gives; nothing for a number without a name."""
        if not isinstance(value, int):
            return None
        words = _WORDS.get(self.name, {}).get(name) or self.properties[name].get("values") or {}
        if name in {"Profiles", "Profile"} and value:
            return ", ".join(word for number, word in _PROFILE_WORDS.items() if value & number) or None
        return words.get(str(value))


_PROFILE_WORDS = {1: "Domain", 2: "Private", 4: "Public"}


@cache
def cim_class(name: str, *keys: str) -> CimClass:
    """The class of this name; `keys` name what identifies an instance."""
    entry = load_oracle("all").cim_classes.get(name)
    properties = dict(entry["properties"]) if entry is not None else dict(_MORE_CLASSES[name])
    properties |= _MORE_PROPERTIES.get(name, {})
    return CimClass(name, properties, keys)


def value(row: CimInstance, name: str) -> Any:  # noqa: ANN401 - what a CIM property holds depends on its type
    """The raw value of a property, None when the row does not have it."""
    held = row.properties.get(name)
    return held.value if held is not None else None


def text(row: CimInstance, name: str) -> str:
    """The raw value of a text property, empty when it is null."""
    held = value(row, name)
    return "" if held is None else str(held)


def number(row: CimInstance, name: str) -> int:
    """The raw value of a number property, 0 when it is null."""
    held = value(row, name)
    return held if isinstance(held, int) else 0


def _cim_type(declared: str, held: object) -> str:
    # The pages say datetime for both; MI knows which one a value is.
    return "interval" if declared == "datetime" and isinstance(held, timedelta) else declared
