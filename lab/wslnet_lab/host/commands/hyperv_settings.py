"""The other classes of the Hyper-V firewall: VM settings, profiles, creators, ports.

Settings and profiles exist for a creator once it is registered or once they were made with New-
(windows-facts 2). The persistent store shows NotConfigured where nothing was written, ActiveStore what holds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wslnet_lab.host.commands import firewall_values
from wslnet_lab.host.commands.cim import cim_class, number, text
from wslnet_lab.host.commands.hyperv_rules import ACTIVE, SYSTEM, policy_store
from wslnet_lab.host.commands.read_only import ReadOnly
from wslnet_lab.host.commands.writes import already_exists, require_admin
from wslnet_lab.host.engine import Act, CdxmlCommand, Context, Query
from wslnet_lab.host.state.firewall import (
    PROFILE_BITS,
    PROFILE_FIELDS,
    SETTING_FIELDS,
    WSL_CREATOR,
    HyperVFirewall,
    profile_key,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from wslnet_lab.host.contract import CimInstance
    from wslnet_lab.host.enforcement import FirewallEnforcement
    from wslnet_lab.host.hardware import Hardware

SETTING = "MSFT_NetFirewallHyperVVMSetting"
PROFILE = "MSFT_NetFirewallHyperVProfile"
CREATOR = "MSFT_NetFirewallHyperVVMCreator"
PORT = "MSFT_NetFirewallHyperVPort"
_ANY_PROFILE = 0


class VMSettings(ReadOnly):
    """One setting per creator."""

    def __init__(self, firewall: HyperVFirewall, enforcement: FirewallEnforcement) -> None:
        self._firewall = firewall
        self._enforcement = enforcement
        self._class = cim_class(SETTING, "InstanceID")

    def query(self, query: Query, context: Context) -> Iterable[CimInstance]:
        """The settings of all known creators in the store that is asked for."""
        del query
        store = policy_store(context)
        for creator in self._firewall.creators_known():
            yield self._row(creator, effective=store in {ACTIVE, SYSTEM})

    def create(self, class_name: str, values: Mapping[str, object], context: Context) -> CimInstance:
        """Writes a setting that is not there yet; the creator need not be registered."""
        del class_name
        require_admin(context)
        creator = firewall_values.creator(values.get("Name"))
        active = policy_store(context) == ACTIVE
        if creator.lower() in self._firewall.stored("settings", active=active):
            raise already_exists("Cannot create a file when that file already exists. ")
        self._keep(creator, values, active=active)
        return self._row(creator, effective=active)

    def modify(self, row: CimInstance, values: Mapping[str, object], context: Context) -> CimInstance:
        """Changes the fields that are given."""
        require_admin(context)
        active = policy_store(context) == ACTIVE
        self._keep(text(row, "Name"), values, active=active)
        return self._row(text(row, "Name"), effective=active)

    def delete(self, row: CimInstance, context: Context) -> None:
        """Takes a setting out of its store: NotConfigured again."""
        require_admin(context)
        self._firewall.drop("settings", text(row, "Name"), active=policy_store(context) == ACTIVE)
        self._enforcement.push()

    def _keep(self, creator: str, values: Mapping[str, object], *, active: bool) -> None:
        stored = self._firewall.stored("settings", active=active).get(creator.lower(), {"Name": creator})
        fields = {name: given for name, given in values.items() if name in SETTING_FIELDS}
        self._firewall.store("settings", creator, {**stored, **fields}, active=active)
        self._enforcement.push()

    def _row(self, creator: str, *, effective: bool) -> CimInstance:
        read = self._firewall.effective_setting if effective else self._firewall.configured_setting
        return self._class.row({**read(creator), "InstanceID": creator})


class Profiles(ReadOnly):
    """Three profiles per creator."""

    def __init__(self, firewall: HyperVFirewall, enforcement: FirewallEnforcement) -> None:
        self._firewall = firewall
        self._enforcement = enforcement
        self._class = cim_class(PROFILE, "InstanceID")

    def query(self, query: Query, context: Context) -> Iterable[CimInstance]:
        """The profiles of all known creators in the store that is asked for."""
        del query
        effective = policy_store(context) in {ACTIVE, SYSTEM}
        for creator in self._firewall.creators_known():
            for bit in PROFILE_BITS.values():
                yield self._row(creator, bit, effective=effective)

    def create(self, class_name: str, values: Mapping[str, object], context: Context) -> CimInstance:
        """Writes a profile that is not there yet."""
        del class_name
        require_admin(context)
        creator = firewall_values.creator(values.get("Name"))
        given = values.get("Profile", _ANY_PROFILE)
        bits = _bits(given)
        active = policy_store(context) == ACTIVE
        stored = self._firewall.stored("profiles", active=active)
        if any(profile_key(creator, bit).lower() in stored for bit in bits):
            raise already_exists("Cannot create a file when that file already exists. ")
        for bit in bits:
            self._keep(creator, bit, values, active=active)
        return self._row(creator, bits[0], effective=active)

    def modify(self, row: CimInstance, values: Mapping[str, object], context: Context) -> CimInstance:
        """Changes a profile; a given Profile says which ones are meant."""
        require_admin(context)
        creator, bit = text(row, "Name"), number(row, "Profile")
        active = policy_store(context) == ACTIVE
        if bit in _bits(values.get("Profile", _ANY_PROFILE)):
            self._keep(creator, bit, values, active=active)
        return self._row(creator, bit, effective=active)

    def delete(self, row: CimInstance, context: Context) -> None:
        """Takes a profile out of its store: NotConfigured again."""
        require_admin(context)
        key = profile_key(text(row, "Name"), number(row, "Profile"))
        self._firewall.drop("profiles", key, active=policy_store(context) == ACTIVE)
        self._enforcement.push()

    def _keep(self, creator: str, bit: int, values: Mapping[str, object], *, active: bool) -> None:
        key = profile_key(creator, bit)
        stored = self._firewall.stored("profiles", active=active).get(key.lower(), {})
        fields = {name: given for name, given in values.items() if name in PROFILE_FIELDS}
        row = {"Name": creator, "Profile": bit, **stored, **fields}
        self._firewall.store("profiles", key, row, active=active)
        self._enforcement.push()

    def _row(self, creator: str, bit: int, *, effective: bool) -> CimInstance:
        if effective:
            own: dict[str, Any] = self._firewall.effective_profile(creator, bit)
        else:
            stored = self._firewall.stored("profiles", active=False)
            key = profile_key(creator, bit)
            own = {"Name": creator, "Profile": bit, **PROFILE_FIELDS, **stored.get(key.lower(), {})}
        return self._class.row({**own, "InstanceID": profile_key(creator, bit)})


class Creators(ReadOnly):
    """The registered creators."""

    def __init__(self, firewall: HyperVFirewall) -> None:
        self._firewall = firewall
        self._class = cim_class(CREATOR, "InstanceID")

    def query(self, query: Query, context: Context) -> Iterable[CimInstance]:
        """All of them; none before WSL ran (windows-facts 2)."""
        del query, context
        for creator, name in self._firewall.creators().items():
            yield self._class.row({"VMCreatorId": creator, "FriendlyName": name, "InstanceID": creator})


class Ports(ReadOnly):
    """The switch ports of running machines: WSL's one while it runs with the firewall on."""

    def __init__(self, hardware: Hardware, enforcement: FirewallEnforcement) -> None:
        self._hardware = hardware
        self._enforcement = enforcement
        self._class = cim_class(PORT, "InstanceID")

    def query(self, query: Query, context: Context) -> Iterable[CimInstance]:
        """At most one row."""
        del query, context
        state = self._hardware.wsl_state()
        if not state.running or state.mode not in {"nat", "mirrored"} or not self._enforcement.wanted():
            return
        category = self._enforcement.wsl_category()
        mirrored = state.mode == "mirrored"
        guid = "{7F2A1C90-5B3D-4E68-9C1A-2D4E6F80A1B2}"
        yield self._class.row(
            {
                "SwitchName": "FSE Switch" if mirrored else "WSL (Hyper-V firewall)",
                "PortName": guid,
                "InterfaceGuid": guid,
                "PartitionGuid": "{2B8D4C6E-0F13-47A9-8E5C-6A9B1D3F7C20}",
                "VMCreatorId": WSL_CREATOR,
                "Constrained": 0,
                "Profile": PROFILE_BITS.get(category, PROFILE_BITS["Public"]),
                "NetworkType": 1 if mirrored else 2,
                "InstanceID": guid,
            }
        )


def commands(
    firewall: HyperVFirewall, enforcement: FirewallEnforcement, hardware: Hardware
) -> tuple[CdxmlCommand, ...]:
    """The commands of these four classes."""
    settings, profiles = VMSettings(firewall, enforcement), Profiles(firewall, enforcement)
    acts = {"Get": Act.GET, "New": Act.CREATE, "Set": Act.MODIFY, "Remove": Act.DELETE}
    return (
        *(
            CdxmlCommand(f"{verb}-NetFirewallHyperVVMSetting", SETTING, act, settings)
            for verb, act in acts.items()
        ),
        *(
            CdxmlCommand(f"{verb}-NetFirewallHyperVProfile", PROFILE, act, profiles)
            for verb, act in acts.items()
        ),
        CdxmlCommand("Get-NetFirewallHyperVVMCreator", CREATOR, Act.GET, Creators(firewall)),
        CdxmlCommand("Get-NetFirewallHyperVPort", PORT, Act.GET, Ports(hardware, enforcement)),
    )


def _bits(given: object) -> list[int]:
    mask = given if isinstance(given, int) else _ANY_PROFILE
    return [bit for bit in PROFILE_BITS.values() if mask == _ANY_PROFILE or mask & bit]
