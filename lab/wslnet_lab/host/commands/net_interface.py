"""MSFT_NetIPInterface: two rows per adapter, one per family; forwarding is the hardware's.

Without PolicyStore a write goes to both stores, ActiveStore only to what holds now (windows-facts 1.4).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet_lab.host.commands.cim import (
    ACTIVE_STORE,
    FAMILIES,
    IPV4,
    PERSISTENT_STORE,
    cim_class,
    number,
    text,
)
from wslnet_lab.host.commands.read_only import ReadOnly
from wslnet_lab.host.commands.writes import bad_parameter, require_admin
from wslnet_lab.host.engine import Act, CdxmlCommand, Context, Query

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from wslnet_lab.host.contract import CimInstance
    from wslnet_lab.host.hardware import Adapter, Hardware, Route
    from wslnet_lab.host.networks import Networks

CLASS = "MSFT_NetIPInterface"
_LOOPBACK = "Loopback Pseudo-Interface 1"
_LOOPBACK_MTU = 4294967295
_STORES = {"activestore": ACTIVE_STORE, "persistentstore": PERSISTENT_STORE}
_PARAMETERS = {
    "NlMtuBytes": "NlMtu",
    "BaseReachableTimeMs": "BaseReachableTime",
    "ReachableTimeMs": "ReachableTime",
    "RetransmitTimeMs": "RetransmitTime",
    "DadRetransmitTimeMs": "DadRetransmitTime",
}
# What an interface has as installed; only what callers look at is said, the rest is Nil.
_USUAL = {
    "Advertising": 0,
    "AutomaticMetric": 1,
    "NeighborUnreachabilityDetection": 1,
    "RouterDiscovery": 2,
    "WeakHostSend": 0,
    "WeakHostReceive": 0,
    "IgnoreDefaultRoutes": 0,
    "AdvertiseDefaultRoute": 0,
    "CurrentHopLimit": 0,
    "Dhcp": 0,
    "CompartmentId": 1,
}


class NetIPInterfaces(ReadOnly):
    """The provider."""

    def __init__(self, networks: Networks, hardware: Hardware) -> None:
        self._networks = networks
        self._hardware = hardware
        self._class = cim_class(CLASS, "InterfaceIndex", "AddressFamily", "Store")

    def query(self, query: Query, context: Context) -> Iterable[CimInstance]:
        """All interfaces of the store that is asked for, by default the active one."""
        del query
        store = store_of(context, ACTIVE_STORE) or PERSISTENT_STORE
        routes = self._hardware.routes()
        adapters = self._networks.adapters()
        for family in self._networks.families():
            if store == ACTIVE_STORE:
                yield self._loopback(family)
            for adapter in adapters:
                yield self._row(adapter, family, store, routes)

    def modify(self, row: CimInstance, values: Mapping[str, object], context: Context) -> CimInstance:
        """Sets values of one interface."""
        require_admin(context)
        index, family = number(row, "InterfaceIndex"), _family(row)
        adapter = self._networks.adapter(index)
        store = store_of(context, None)
        if adapter is None:
            raise bad_parameter(f"{text(row, 'InterfaceAlias')} cannot be changed. ")
        if adapter.kind == "fse":
            # The host side of the mirrored switch takes no IP settings (wsl-facts 2.4); the code is inferred.
            raise bad_parameter("The parameter is incorrect. ")
        # Newer parameters stand for properties that the documented class does not have (ClampMss).
        known = self._class.properties
        numbers = {name: given for name, given in values.items() if isinstance(given, int) and name in known}
        if "InterfaceMetric" in numbers:
            numbers.setdefault("AutomaticMetric", 0)
        self._networks.set(
            adapter,
            family,
            numbers,
            active=store != PERSISTENT_STORE,
            persistent=store != ACTIVE_STORE,
        )
        changed = self._networks.adapter(index) or adapter
        routes = self._hardware.routes()
        return self._row(changed, family, ACTIVE_STORE if store is None else store, routes)

    def _row(self, adapter: Adapter, family: int, store: int, routes: Sequence[Route]) -> CimInstance:
        active = store == ACTIVE_STORE
        stored = self._networks.setting(adapter, family, active=active)
        own: dict[str, object] = {
            "InterfaceIndex": adapter.index,
            "InterfaceAlias": adapter.name,
            "AddressFamily": FAMILIES[family],
            "Store": store,
            "NlMtu": adapter.mtu,
            "InterfaceMetric": self._networks.metric(adapter, family, routes),
            "ConnectionState": int(adapter.up and adapter.carrier),
            **_USUAL,
            "Dhcp": int(any(a.family == family and a.origin == "dhcp" for a in adapter.addresses)),
            "Forwarding": 0,
            **stored,
        }
        if active:
            # Not what was written but what the hardware does.
            own["Forwarding"] = int(adapter.forwarding.get(family, False))
        return self._class.row(own)

    def _loopback(self, family: int) -> CimInstance:
        own = {
            "InterfaceIndex": 1,
            "InterfaceAlias": _LOOPBACK,
            "AddressFamily": FAMILIES[family],
            "Store": ACTIVE_STORE,
            "NlMtu": _LOOPBACK_MTU,
            "InterfaceMetric": 75,
            "ConnectionState": 1,
            "Forwarding": 0,
        }
        return self._class.row({**_USUAL, **own})


def store_of(context: Context, default: int | None) -> int | None:
    """The store that PolicyStore names, `default` when it is not given.

    Raises:
        ProviderError: It names no store.
    """
    given = context.options.get("PolicyStore")
    if given in {None, ""}:
        return default
    store = _STORES.get(str(given).lower())
    if store is None:
        raise bad_parameter("Invalid parameter PolicyStore. ")
    return store


def commands(networks: Networks, hardware: Hardware) -> tuple[CdxmlCommand, ...]:
    """Get- and Set-NetIPInterface."""
    provider = NetIPInterfaces(networks, hardware)
    return (
        CdxmlCommand("Get-NetIPInterface", CLASS, Act.GET, provider, query=_PARAMETERS),
        CdxmlCommand(
            "Set-NetIPInterface",
            CLASS,
            Act.MODIFY,
            provider,
            query={"ReachableTime": "ReachableTime"},
            values=_PARAMETERS,
        ),
    )


def _family(row: CimInstance) -> int:
    return 4 if number(row, "AddressFamily") == IPV4 else 6
