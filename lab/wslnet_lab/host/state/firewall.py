"""The stores of the Hyper-V firewall and what they come to: settings, profiles, rules, creators.

Three layers: SystemDefaults (what WSL registers at its start), persistent (survives reboots), active
(volatile). Values are raw CIM numbers (windows-facts 1.1). It computes the effective policy, pushes nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wslnet_lab.host.state.json_file import JsonFile

WSL_CREATOR = "{40E0AC32-46A5-438A-A0B2-2B479E8F2E90}"
ANY_CREATOR = "{00000000-0000-0000-0000-000000000000}"

NOT_CONFIGURED_ACTION, ALLOW, BLOCK = 0, 2, 4
FALSE, TRUE, NOT_CONFIGURED = 0, 1, 2
RULE_ENABLED, RULE_DISABLED = 1, 2
INBOUND, OUTBOUND = 1, 2
PROFILE_BITS = {"DomainAuthenticated": 1, "Private": 2, "Public": 4}

SETTING_FIELDS: Mapping[str, int] = {
    "Enabled": NOT_CONFIGURED,
    "DefaultInboundAction": NOT_CONFIGURED_ACTION,
    "DefaultOutboundAction": NOT_CONFIGURED_ACTION,
    "LoopbackEnabled": NOT_CONFIGURED,
    "AllowHostPolicyMerge": NOT_CONFIGURED,
}
PROFILE_FIELDS: Mapping[str, int] = {
    "Enabled": NOT_CONFIGURED,
    "DefaultInboundAction": NOT_CONFIGURED_ACTION,
    "DefaultOutboundAction": NOT_CONFIGURED_ACTION,
    "AllowLocalFirewallRules": NOT_CONFIGURED,
}
# What holds where nothing is configured: an ActiveStore as installed (corpus/windows, hyperv-vmsetting-block)
# shows Block in, Allow out, loopback and merge on; loopback is WSL's doing (wsl-facts 2.3).
_SYSTEM: Mapping[str, int] = {
    "Enabled": TRUE,
    "DefaultInboundAction": BLOCK,
    "DefaultOutboundAction": ALLOW,
    "LoopbackEnabled": FALSE,
    "AllowHostPolicyMerge": TRUE,
    "AllowLocalFirewallRules": TRUE,
}


def unset(name: str) -> int:
    """The number that means NotConfigured for a field."""
    return NOT_CONFIGURED_ACTION if name.endswith("Action") else NOT_CONFIGURED


def fresh_firewall() -> dict[str, Any]:
    """The persistent store of a machine that nobody configured."""
    return {"settings": {}, "profiles": {}, "rules": {}, "host_rules": {}, "host_profiles": {}}


class HyperVFirewall:
    """The layers, by lower-case key; `persistent` and `boot` are the two files they lie in."""

    def __init__(self, persistent: JsonFile, boot: JsonFile) -> None:
        self._persistent = persistent
        self._boot = boot

    # ---- creators ---------------------------------------------------------------------------------

    def creators(self) -> dict[str, str]:
        """Registered creators: id → friendly name."""
        return dict(self._boot.data["hyperv_creators"])

    def register_wsl(self) -> None:
        """What WSL does when its machine starts: creator, loopback, rules (wsl-facts 2.3)."""
        with self._boot.change() as boot:
            boot["hyperv_creators"][WSL_CREATOR] = "WSL"
            defaults = boot["hyperv_system_defaults"]
            defaults["settings"][WSL_CREATOR.lower()] = {"Name": WSL_CREATOR, "LoopbackEnabled": TRUE}
            for rule in _wsl_rules():
                defaults["rules"][rule["InstanceID"].lower()] = rule

    # ---- settings and profiles --------------------------------------------------------------------

    def stored(self, kind: str, *, active: bool) -> dict[str, dict[str, Any]]:
        """The rows of one layer: `kind` is settings, profiles, rules; `active` the volatile layer."""
        data = self._boot.data["hyperv_active"] if active else self._persistent.data
        return {key: dict(row) for key, row in data[kind].items()}

    def store(self, kind: str, key: str, row: Mapping[str, Any], *, active: bool) -> None:
        """Writes one row into a layer."""
        file = self._boot if active else self._persistent
        with file.change() as data:
            layer = data["hyperv_active"] if active else data
            layer[kind][key.lower()] = dict(row)

    def drop(self, kind: str, key: str, *, active: bool) -> bool:
        """Removes one row from a layer; False when it was not there."""
        file = self._boot if active else self._persistent
        with file.change() as data:
            layer = data["hyperv_active"] if active else data
            return layer[kind].pop(key.lower(), None) is not None

    def system_rules(self) -> dict[str, dict[str, Any]]:
        """The rules of the SystemDefaults store."""
        return {key: dict(row) for key, row in self._boot.data["hyperv_system_defaults"]["rules"].items()}

    def configured_setting(self, creator: str) -> dict[str, Any]:
        """The setting as the persistent store shows it: NotConfigured where nothing was written."""
        row = self._persistent.data["settings"].get(creator.lower(), {})
        return {"Name": creator, **SETTING_FIELDS, **row}

    def effective_setting(self, creator: str) -> dict[str, Any]:
        """The setting as ActiveStore shows it: the first layer that configures a field wins."""
        layers = [
            self._boot.data["hyperv_active"]["settings"].get(creator.lower(), {}),
            self._persistent.data["settings"].get(creator.lower(), {}),
            self._boot.data["hyperv_system_defaults"]["settings"].get(creator.lower(), {}),
        ]
        return {"Name": creator, **{name: _first(name, layers) for name in SETTING_FIELDS}}

    def effective_profile(self, creator: str, bit: int) -> dict[str, Any]:
        """One profile (1 Domain, 2 Private, 4 Public) of a creator as ActiveStore shows it.

        Its default actions stay NotConfigured when nobody set them: the setting's hold then.
        """
        key = profile_key(creator, bit).lower()
        layers = [self._boot.data["hyperv_active"]["profiles"].get(key, {})]
        layers.append(self._persistent.data["profiles"].get(key, {}))
        values = {
            name: _first(name, layers) if not name.endswith("Action") else _first_set(name, layers)
            for name in PROFILE_FIELDS
        }
        return {"Name": creator, "Profile": bit, **values}

    def creators_known(self) -> list[str]:
        """Creators that a query of the settings shows: registered, or with a stored setting."""
        known = dict.fromkeys(self.creators())
        lowered = {creator.lower() for creator in known}
        for active in (False, True):
            for key, row in self.stored("settings", active=active).items():
                if key not in lowered:
                    known.setdefault(row["Name"])
        return list(known)

    # ---- rules ------------------------------------------------------------------------------------

    def all_rules(self) -> list[dict[str, Any]]:
        """Every rule of every layer: SystemDefaults, persistent, active."""
        layers = [self.system_rules(), self.stored("rules", active=False), self.stored("rules", active=True)]
        return [row for layer in layers for row in layer.values()]


def profile_key(creator: str, bit: int) -> str:
    """The key of one profile of one creator in the stores."""
    return f"{creator}|{bit}"


def _first_set(name: str, layers: list[dict[str, Any]]) -> int:
    nothing = unset(name)
    return next((int(row[name]) for row in layers if int(row.get(name, nothing)) != nothing), nothing)


def _first(name: str, layers: list[dict[str, Any]]) -> int:
    value = _first_set(name, layers)
    return value if value != unset(name) else _SYSTEM[name]


def _wsl_rules() -> list[dict[str, Any]]:
    kinds = [
        ("ICMPv4", "ICMPv4", "Any"),
        ("ICMPv6", "ICMPv6", "Any"),
        ("mDNS-IPv4", "UDP", "5353"),
        ("mDNS-IPv6", "UDP", "5353"),
    ]
    return [
        {
            "InstanceID": f"WslCore-Allow-Inbound-{name}-1-{WSL_CREATOR}",
            "DisplayName": f"WslCore Allow Inbound {name}",
            "Direction": INBOUND,
            "Action": ALLOW,
            "Enabled": RULE_ENABLED,
            "Protocol": protocol,
            "LocalAddresses": ["Any"],
            "LocalPorts": [port],
            "RemoteAddresses": ["Any"],
            "RemotePorts": ["Any"],
            "Profiles": 0,
            "RulePriority": 0,
            "VMCreatorId": WSL_CREATOR,
        }
        for name, protocol, port in kinds
    ]
