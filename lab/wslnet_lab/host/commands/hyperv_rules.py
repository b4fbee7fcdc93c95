"""MSFT_NetFirewallHyperVRule: rules of the Hyper-V firewall in their stores; each change reaches the packets.

By default the persistent store is read and written; ActiveStore shows all layers, host rules that are merged
in among them (wsl-facts 2.3). Rules need no registered creator (wsl-facts 9).
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from wslnet_lab.host.commands import firewall_values
from wslnet_lab.host.commands.cim import cim_class, text
from wslnet_lab.host.commands.read_only import ReadOnly
from wslnet_lab.host.commands.writes import already_exists, bad_parameter, require_admin
from wslnet_lab.host.engine import Act, CdxmlCommand, Context, MethodResult, Query
from wslnet_lab.host.state.firewall import (
    ALLOW,
    ANY_CREATOR,
    INBOUND,
    RULE_DISABLED,
    RULE_ENABLED,
    HyperVFirewall,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from wslnet_lab.host.contract import CimInstance
    from wslnet_lab.host.enforcement import FirewallEnforcement

CLASS = "MSFT_NetFirewallHyperVRule"
PERSISTENT, ACTIVE, SYSTEM = "persistentstore", "activestore", "systemdefaults"
_LOCAL, _DYNAMIC, _GENERATED, _HOST_LOCAL = 1, 3, 5, 8
_ENFORCED, _NO_PORTS = 1, 3
_MERGED_PREFIX = "HostFirewall-"


class HyperVRules(ReadOnly):
    """The provider."""

    def __init__(self, firewall: HyperVFirewall, enforcement: FirewallEnforcement) -> None:
        self._firewall = firewall
        self._enforcement = enforcement
        self._class = cim_class(CLASS, "InstanceID")

    def query(self, query: Query, context: Context) -> Iterable[CimInstance]:
        """The rules of the store that is asked for, by default the persistent one."""
        del query
        for row, source in self._stored(policy_store(context)):
            yield self._row(row, source)

    def create(self, class_name: str, values: Mapping[str, object], context: Context) -> CimInstance:
        """Makes a rule; its Name must be free in its store."""
        del class_name
        require_admin(context)
        name = str(values.get("Name") or values.get("InstanceID") or f"{{{uuid.uuid4()}}}".upper())
        active = policy_store(context) == ACTIVE
        if name.lower() in self._firewall.stored("rules", active=active):
            raise already_exists("Cannot create a file when that file already exists. ")
        row = _normal(
            {
                "InstanceID": name,
                "DisplayName": name,
                "Direction": INBOUND,
                "Action": ALLOW,
                "Enabled": RULE_ENABLED,
                "Profiles": 0,
                "RulePriority": 0,
                "VMCreatorId": ANY_CREATOR,
                **{key: given for key, given in values.items() if key != "Name"},
            }
        )
        self._keep(row, active=active)
        return self._row(row, _DYNAMIC if active else _LOCAL)

    def modify(self, row: CimInstance, values: Mapping[str, object], context: Context) -> CimInstance:
        """Changes a rule."""
        require_admin(context)
        own, active = self._own(row)
        changed = _normal({**own, **values})
        self._keep(changed, active=active)
        return self._row(changed, _DYNAMIC if active else _LOCAL)

    def delete(self, row: CimInstance, context: Context) -> None:
        """Removes a rule."""
        require_admin(context)
        own, active = self._own(row)
        self._firewall.drop("rules", own["InstanceID"], active=active)
        self._enforcement.push()

    def invoke(
        self, target: CimInstance | None, method: str, arguments: Mapping[str, object], context: Context
    ) -> MethodResult:
        """Enable, Disable and Rename (to NewName)."""
        require_admin(context)
        if target is None:
            return super().invoke(target, method, arguments, context)
        own, active = self._own(target)
        if method == "Rename":
            new = str(arguments.get("NewName") or "")
            if not new or new.lower() in self._firewall.stored("rules", active=active):
                raise already_exists("Cannot create a file when that file already exists. ")
            self._firewall.drop("rules", own["InstanceID"], active=active)
            own["InstanceID"] = new
        else:
            own["Enabled"] = RULE_ENABLED if method == "Enable" else RULE_DISABLED
        self._keep(own, active=active)
        return MethodResult()

    # ---- stores ------------------------------------------------------------------------------------

    def _stored(self, store: str) -> Iterable[tuple[dict[str, Any], int]]:
        if store == SYSTEM:
            return [(row, _GENERATED) for row in self._firewall.system_rules().values()]
        persistent = [(row, _LOCAL) for row in self._firewall.stored("rules", active=False).values()]
        if store == PERSISTENT:
            return persistent
        dynamic = [(row, _DYNAMIC) for row in self._firewall.stored("rules", active=True).values()]
        system = [(row, _GENERATED) for row in self._firewall.system_rules().values()]
        merged = [
            ({**row, "InstanceID": _MERGED_PREFIX + row["InstanceID"]}, _HOST_LOCAL)
            for row in self._enforcement.merged_rules()
        ]
        return [*persistent, *dynamic, *system, *merged]

    def _own(self, row: CimInstance) -> tuple[dict[str, Any], bool]:
        """The stored rule behind a row, and whether it lies in the active store.

        Raises:
            ProviderError: It belongs to WSL's defaults or to the host's firewall.
        """
        name = text(row, "InstanceID").lower()
        for active in (False, True):
            found = self._firewall.stored("rules", active=active).get(name)
            if found is not None:
                return found, active
        raise bad_parameter("The rule is not in a store that can be changed. ")

    def _keep(self, row: Mapping[str, Any], *, active: bool) -> None:
        self._firewall.store("rules", str(row["InstanceID"]), row, active=active)
        self._enforcement.push()

    def _row(self, row: Mapping[str, Any], source: int) -> CimInstance:
        known = {key: given for key, given in row.items() if key in self._class.properties}
        known.setdefault("ElementName", row.get("DisplayName"))
        registered = {creator.upper() for creator in self._firewall.creators()} | {ANY_CREATOR}
        known["EnforcementStatus"] = _ENFORCED if row["VMCreatorId"].upper() in registered else _NO_PORTS
        known["PolicyStoreSourceType"] = source
        return self._class.row({"CreationClassName": CLASS, "PortStatuses": None, **known})


def policy_store(context: Context) -> str:
    """The store that PolicyStore names, in lower case; the persistent one when it is not given.

    Raises:
        ProviderError: There is no such store here.
    """
    given = str(context.options.get("PolicyStore") or PERSISTENT).lower()
    if given not in {PERSISTENT, ACTIVE, SYSTEM}:
        raise bad_parameter(f"The policy store {given} was not found. ")
    return given


def commands(firewall: HyperVFirewall, enforcement: FirewallEnforcement) -> tuple[CdxmlCommand, ...]:
    """All commands of the noun NetFirewallHyperVRule."""
    provider = HyperVRules(firewall, enforcement)
    query = {"Name": "InstanceID"}
    values = {"NewDisplayName": "DisplayName"}
    return (
        CdxmlCommand("Get-NetFirewallHyperVRule", CLASS, Act.GET, provider, query=query),
        CdxmlCommand("New-NetFirewallHyperVRule", CLASS, Act.CREATE, provider, values={"Name": "InstanceID"}),
        CdxmlCommand("Set-NetFirewallHyperVRule", CLASS, Act.MODIFY, provider, query=query, values=values),
        CdxmlCommand("Remove-NetFirewallHyperVRule", CLASS, Act.DELETE, provider, query=query),
        *(
            CdxmlCommand(
                f"{verb}-NetFirewallHyperVRule", CLASS, Act.INVOKE, provider, query=query, method=verb
            )
            for verb in ("Enable", "Disable", "Rename")
        ),
    )


def _normal(row: Mapping[str, object]) -> dict[str, Any]:
    """The rule with every field in its normal form.

    Raises:
        ProviderError: A field cannot be used.
    """
    own = dict(row)
    if own.get("PortStatuses") is not None:
        raise bad_parameter("PortStatuses is the system's own to write. ")
    own["Protocol"] = firewall_values.protocol(own.get("Protocol"))
    for name in ("LocalPorts", "RemotePorts"):
        own[name] = firewall_values.ports(own.get(name), str(own["Protocol"]))
    for name in ("LocalAddresses", "RemoteAddresses"):
        own[name] = firewall_values.addresses(own.get(name))
    own["VMCreatorId"] = firewall_values.creator(own.get("VMCreatorId"))
    if own["Action"] == 0:
        raise bad_parameter("The action is invalid. ")
    return own
