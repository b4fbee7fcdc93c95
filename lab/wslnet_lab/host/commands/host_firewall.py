"""Windows' own firewall: MSFT_NetFirewallRule, its filters, and the three profiles.

Ports and addresses are not on the rule but on its filter objects (windows-facts 1.1). What comes to Windows
itself meets these rules (`state.host_policy`), what comes to WSL those that the Hyper-V firewall merges.
"""

from __future__ import annotations

import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from wslnet_lab.host.commands import firewall_values
from wslnet_lab.host.commands.cim import cim_class, text
from wslnet_lab.host.commands.hyperv_rules import ACTIVE, PERSISTENT, policy_store
from wslnet_lab.host.commands.read_only import ReadOnly
from wslnet_lab.host.commands.writes import (
    already_exists,
    bad_parameter,
    not_supported,
    require_admin,
)
from wslnet_lab.host.engine import Act, CdxmlCommand, Context, MethodResult, Query
from wslnet_lab.host.state.firewall import ALLOW, BLOCK, INBOUND, RULE_DISABLED, RULE_ENABLED
from wslnet_lab.host.state.host_rule_text import REGISTRY_KEY, registry_text
from wslnet_lab.host.state.registry import value_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from wslnet_lab.host.contract import CimInstance
    from wslnet_lab.host.enforcement import FirewallEnforcement
    from wslnet_lab.host.state import MachineState

RULE = "MSFT_NetFirewallRule"
PORTS = "MSFT_NetProtocolPortFilter"
ADDRESSES = "MSFT_NetAddressFilter"
PROFILE = "MSFT_NetFirewallProfile"
_STORED = "host_rules"
_VALUES = {"Name": "InstanceID", "Profile": "Profiles", "Group": "RuleGroup"}
_CHANGED = {"Profile": "Profiles", "NewDisplayName": "DisplayName"}
_ADDRESS_WORDS = frozenset({"localsubnet", "defaultgateway", "dns", "dhcp", "wins", "internet", "intranet"})
_RULE_FIELDS = (
    "InstanceID",
    "DisplayName",
    "Description",
    "RuleGroup",
    "Enabled",
    "Profiles",
    "Direction",
    "Action",
)
# Conditions that the model would have to pretend to keep.
_KEPT_FIELDS = frozenset(
    {
        *_RULE_FIELDS,
        "Protocol",
        "LocalPort",
        "RemotePort",
        "LocalAddress",
        "RemoteAddress",
        "Program",
        "Service",
        "InterfaceAlias",
        "EdgeTraversalPolicy",
    }
)


class HostRules(ReadOnly):
    """The rules, their port filters and address filters: one provider, for they are one store."""

    def __init__(self, state: MachineState, enforcement: FirewallEnforcement) -> None:
        self._state = state
        self._enforcement = enforcement
        self._rule = cim_class(RULE, "InstanceID")
        self._ports = cim_class(PORTS, "InstanceID")
        self._addresses = cim_class(ADDRESSES, "InstanceID")

    def query(self, query: Query, context: Context) -> Iterable[CimInstance]:
        """All rules of the store, or the filters of one rule or of all."""
        rules = self._rules(policy_store(context))
        if query.associated is not None:
            own = text(query.associated[1], "InstanceID").lower()
            rules = {key: row for key, row in rules.items() if key == own}
        build = {RULE: self._rule_row, PORTS: self._port_row, ADDRESSES: self._address_row}[query.class_name]
        for row in rules.values():
            yield build(row)

    def create(self, class_name: str, values: Mapping[str, object], context: Context) -> CimInstance:
        """Makes a rule; a repeated DisplayName is fine, a repeated Name is not (windows-facts 1.3)."""
        del class_name
        require_admin(context)
        name = str(values.get("InstanceID") or f"{{{uuid.uuid4()}}}".upper())
        if name.lower() in self._rules(policy_store(context)):
            raise already_exists("Cannot create a file when that file already exists. ")
        row = _normal(
            {
                "InstanceID": name,
                "DisplayName": name,
                "Direction": INBOUND,
                "Action": ALLOW,
                "Enabled": RULE_ENABLED,
                "Profiles": 0,
                **values,
            }
        )
        self._keep(row, active=policy_store(context) == ACTIVE)
        return self._rule_row(row)

    def modify(self, row: CimInstance, values: Mapping[str, object], context: Context) -> CimInstance:
        """Changes a rule."""
        require_admin(context)
        own, active = self._own(row)
        changed = _normal({**own, **values})
        self._keep(changed, active=active)
        return self._rule_row(changed)

    def delete(self, row: CimInstance, context: Context) -> None:
        """Removes a rule."""
        require_admin(context)
        own, active = self._own(row)
        with self._file(active=active) as layer:
            del layer[own["InstanceID"].lower()]
        if not active:
            self._state.registry.delete(REGISTRY_KEY, own["InstanceID"], self._state.settings.owner_sid)
        self._enforcement.push()

    def invoke(
        self, target: CimInstance | None, method: str, arguments: Mapping[str, object], context: Context
    ) -> MethodResult:
        """Enable and Disable."""
        require_admin(context)
        if target is None:
            return super().invoke(target, method, arguments, context)
        own, active = self._own(target)
        own["Enabled"] = RULE_ENABLED if method == "Enable" else RULE_DISABLED
        self._keep(own, active=active)
        return MethodResult()

    # ---- the store ---------------------------------------------------------------------------------

    def _rules(self, store: str) -> dict[str, dict[str, Any]]:
        persistent: dict[str, dict[str, Any]] = self._state.persistent_firewall.data[_STORED]
        if store == PERSISTENT:
            return {key: dict(row) for key, row in persistent.items()}
        both = {**persistent, **self._state.boot.data["firewall_rules"]} if store == ACTIVE else {}
        return {key: dict(row) for key, row in both.items()}

    def _own(self, row: CimInstance) -> tuple[dict[str, Any], bool]:
        name = text(row, "InstanceID").lower()
        dynamic = self._state.boot.data["firewall_rules"]
        if name in dynamic:
            return dict(dynamic[name]), True
        stored = self._rules(PERSISTENT)
        if name not in stored:
            raise bad_parameter("The rule is not in a store that can be changed. ")
        return stored[name], False

    @contextmanager
    def _file(self, *, active: bool) -> Iterator[dict[str, Any]]:
        file = self._state.boot if active else self._state.persistent_firewall
        with file.change() as data:
            yield data["firewall_rules" if active else _STORED]

    def _keep(self, row: Mapping[str, Any], *, active: bool) -> None:
        with self._file(active=active) as layer:
            layer[str(row["InstanceID"]).lower()] = dict(row)
        if not active:
            text = registry_text(row, self._enforcement.guid_of)
            sid = self._state.settings.owner_sid
            self._state.registry.set(REGISTRY_KEY, str(row["InstanceID"]), value_of(text), sid)
        self._enforcement.push()

    # ---- rows --------------------------------------------------------------------------------------

    def _rule_row(self, row: Mapping[str, Any]) -> CimInstance:
        own = {name: row.get(name) for name in _RULE_FIELDS if name in row}
        return self._rule.row(
            {
                **own,
                "ElementName": row["DisplayName"],
                "CreationClassName": RULE,
                "PrimaryStatus": 1,
                "StatusCode": 65536,
                "PolicyStoreSource": "PersistentStore",
                "PolicyStoreSourceType": 1,
                "EdgeTraversalPolicy": row.get("EdgeTraversalPolicy", 0),
                "LooseSourceMapping": False,
                "LocalOnlyMapping": False,
            }
        )

    def _port_row(self, row: Mapping[str, Any]) -> CimInstance:
        own = {name: row[name] for name in ("InstanceID", "Protocol", "LocalPort", "RemotePort")}
        return self._ports.row(
            {**own, "IcmpType": ["Any"], "DynamicTransport": 0, "CreationClassName": PORTS}
        )

    def _address_row(self, row: Mapping[str, Any]) -> CimInstance:
        own = {name: row[name] for name in ("InstanceID", "LocalAddress", "RemoteAddress")}
        return self._addresses.row({**own, "CreationClassName": ADDRESSES})


class HostProfiles(ReadOnly):
    """Domain, Private, Public; read only, on and closed as installed, but for what Group Policy says."""

    def __init__(self, enforcement: FirewallEnforcement) -> None:
        self._class = cim_class(PROFILE, "InstanceID")
        self._enforcement = enforcement

    def query(self, query: Query, context: Context) -> Iterable[CimInstance]:
        """The three profiles, with defaults filled in for ActiveStore only."""
        del query
        effective = policy_store(context) == ACTIVE
        for name in ("Domain", "Private", "Public"):
            enabled, local = (
                1 if value is None or not effective else value
                for value in (
                    self._enforcement.profile_policy(name, "EnableFirewall"),
                    self._enforcement.profile_policy(name, "AllowLocalPolicyMerge"),
                )
            )
            yield self._class.row(
                {
                    "Name": name,
                    "InstanceID": f"MSFT|FW|FirewallProfile|{name}",
                    "Enabled": enabled,
                    "DefaultInboundAction": BLOCK if effective else 0,
                    "DefaultOutboundAction": ALLOW if effective else 0,
                    "AllowInboundRules": 1 if effective else 2,
                    "AllowLocalFirewallRules": local if effective else 2,
                    "AllowLocalIPsecRules": 1 if effective else 2,
                    "NotifyOnListen": 1,
                    "LogFileName": "%systemroot%\\system32\\LogFiles\\Firewall\\pfirewall.log",
                    "LogMaxSizeKilobytes": 4096,
                    "LogAllowed": 0,
                    "LogBlocked": 0,
                }
            )


def commands(state: MachineState, enforcement: FirewallEnforcement) -> tuple[CdxmlCommand, ...]:
    """The commands of the host's firewall."""
    rules = HostRules(state, enforcement)
    query = {"Name": "InstanceID", "Group": "RuleGroup"}
    acts = {"Get": Act.GET, "New": Act.CREATE, "Set": Act.MODIFY, "Remove": Act.DELETE}
    return (
        *(
            CdxmlCommand(
                f"{verb}-NetFirewallRule",
                RULE,
                act,
                rules,
                query={} if act is Act.CREATE else query,
                values=_VALUES if act is Act.CREATE else _CHANGED,
            )
            for verb, act in acts.items()
        ),
        *(
            CdxmlCommand(f"{verb}-NetFirewallRule", RULE, Act.INVOKE, rules, query=query, method=verb)
            for verb in ("Enable", "Disable")
        ),
        CdxmlCommand("Get-NetFirewallPortFilter", PORTS, Act.GET, rules),
        CdxmlCommand("Get-NetFirewallAddressFilter", ADDRESSES, Act.GET, rules),
        CdxmlCommand("Get-NetFirewallProfile", PROFILE, Act.GET, HostProfiles(enforcement)),
    )


def _normal(row: Mapping[str, object]) -> dict[str, Any]:
    """The rule with every field in its normal form.

    Raises:
        ProviderError: A field cannot be used, or the lab does not model it.
    """
    unknown = {name for name, given in row.items() if given is not None} - _KEPT_FIELDS
    if unknown:
        raise not_supported(f"the lab's firewall rules have no {min(unknown)}")
    own = dict(row)
    own["Protocol"] = firewall_values.protocol(own.get("Protocol"))
    for name in ("LocalPort", "RemotePort"):
        own[name] = firewall_values.ports(own.get(name), str(own["Protocol"]))
    for name in ("LocalAddress", "RemoteAddress"):
        own[name] = _addresses(own.get(name))
    return own


def _addresses(given: object) -> list[str]:
    """As for Hyper-V rules; these rules know words such as LocalSubnet too."""
    items = given if isinstance(given, list | tuple) else [given]
    words = [str(item) for item in items if item is not None and str(item).lower() in _ADDRESS_WORDS]
    rest = [item for item in items if item is not None and str(item) not in words]
    return [*words, *(firewall_values.addresses(rest) if rest or not words else [])]
