"""MSFT_NetRoute: the hardware's routes as the active store, kept ones as the persistent store.

Windows' metric of a route is its own plus the interface's; the hardware has the sum.
"""

from __future__ import annotations

import ipaddress
from dataclasses import replace
from typing import TYPE_CHECKING

from wslnet_lab.host.commands.cim import (
    ACTIVE_STORE,
    FAMILIES,
    INFINITE,
    IPV4,
    PERSISTENT_STORE,
    cim_class,
    number,
    text,
)
from wslnet_lab.host.commands.net_interface import store_of
from wslnet_lab.host.commands.read_only import ReadOnly
from wslnet_lab.host.commands.writes import bad_parameter, require_admin
from wslnet_lab.host.engine import Act, CdxmlCommand, Context, Query
from wslnet_lab.host.hardware import Adapter, Hardware, Route
from wslnet_lab.host.networks import DEFAULT_ROUTE_METRIC, Networks

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from wslnet_lab.host.contract import CimInstance

CLASS = "MSFT_NetRoute"
_ANYWHERE = {4: "0.0.0.0/0", 6: "::/0"}
_ON_LINK = {4: "0.0.0.0", 6: "::"}
_LOCAL, _NET_MGMT, _DHCP = 2, 3, 19
_PROTOCOLS = {"kernel": _LOCAL, "2": _LOCAL, "dhcp": _DHCP, "16": _DHCP}


class NetRoutes(ReadOnly):
    """The provider."""

    def __init__(self, networks: Networks, hardware: Hardware) -> None:
        self._networks = networks
        self._hardware = hardware
        self._class = cim_class(CLASS, "DestinationPrefix", "InterfaceIndex", "NextHop", "Store")

    def query(self, query: Query, context: Context) -> Iterable[CimInstance]:
        """The routes of the store that is asked for, by default the active one."""
        store = store_of(context, ACTIVE_STORE)
        adapters = {adapter.index: adapter for adapter in self._networks.adapters()}
        families = self._networks.families()
        interface = query.associated[1] if query.associated else None
        known = self._hardware.routes()
        routes = known if store == ACTIVE_STORE else self._networks.persistent_routes()
        for route in routes:
            adapter = adapters.get(route.index)
            if adapter is None or route.family not in families:
                continue
            row = self._row(route, adapter, store or PERSISTENT_STORE, known)
            if interface is None or all(
                number(row, name) == number(interface, name) for name in ("InterfaceIndex", "AddressFamily")
            ):
                yield row

    def create(self, class_name: str, values: Mapping[str, object], context: Context) -> CimInstance:
        """Adds a route; without PolicyStore it is kept over reboots too."""
        del class_name
        require_admin(context)
        store = store_of(context, None)
        if store == PERSISTENT_STORE:
            raise bad_parameter("Invalid parameter PolicyStore. ")
        adapter = self._networks.named(values)
        if adapter is None:
            raise bad_parameter("Invalid parameter InterfaceIndex ")
        route = self._new_route(values, adapter)
        if any(_same(route, known) for known in self._hardware.routes()):
            raise bad_parameter("Instance MSFT_NetRoute already exists ")
        self._hardware.route_add(route)
        if store is None:
            self._networks.keep_route(route)
        return self._row(route, adapter, ACTIVE_STORE)

    def modify(self, row: CimInstance, values: Mapping[str, object], context: Context) -> CimInstance:
        """Changes a route's metric."""
        require_admin(context)
        route, adapter = self._found(row)
        metric = values.get("RouteMetric")
        if not isinstance(metric, int):
            return row
        changed = replace(route, metric=metric + self._networks.metric(adapter, route.family))
        self._hardware.route_delete(route)
        self._hardware.route_add(changed)
        if any(_same(route, kept) for kept in self._networks.persistent_routes()):
            self._networks.keep_route(changed)
        return self._row(changed, adapter, ACTIVE_STORE)

    def delete(self, row: CimInstance, context: Context) -> None:
        """Deletes a route from the store that is named, from both without a name."""
        require_admin(context)
        route, _ = self._found(row)
        store = store_of(context, None)
        kept = any(_same(route, known) for known in self._networks.persistent_routes())
        # A route that is only kept is not there to be deleted.
        only_kept = kept and not any(_same(route, known) for known in self._hardware.routes())
        if store != PERSISTENT_STORE and not only_kept:
            self._hardware.route_delete(route)
        if store != ACTIVE_STORE:
            self._networks.forget_route(route)

    def _found(self, row: CimInstance) -> tuple[Route, Adapter]:
        adapter = self._networks.adapter(number(row, "InterfaceIndex"))
        if adapter is None:
            raise bad_parameter("Invalid parameter InterfaceIndex ")
        family = 4 if number(row, "AddressFamily") == IPV4 else 6
        prefix, hop = text(row, "DestinationPrefix"), text(row, "NextHop")
        wanted = Route(
            family=family,
            dst="default" if prefix == _ANYWHERE[family] else prefix,
            via=None if hop == _ON_LINK[family] else hop,
            index=adapter.index,
            metric=0,
        )
        known = [*self._hardware.routes(), *self._networks.persistent_routes()]
        # The hardware's own metric, for a row cannot tell 0 from what it implies.
        return next((route for route in known if _same(route, wanted)), wanted), adapter

    def _new_route(self, values: Mapping[str, object], adapter: Adapter) -> Route:
        try:
            network = ipaddress.ip_network(str(values["DestinationPrefix"]))
            hop = ipaddress.ip_address(str(values.get("NextHop") or _ON_LINK[network.version]))
        except ValueError as error:
            raise bad_parameter("Invalid parameter DestinationPrefix ") from error
        metric = values.get("RouteMetric", DEFAULT_ROUTE_METRIC)
        own = metric if isinstance(metric, int) else DEFAULT_ROUTE_METRIC
        return Route(
            family=network.version,
            dst="default" if str(network) == _ANYWHERE[network.version] else str(network),
            via=None if str(hop) == _ON_LINK[network.version] else str(hop),
            index=adapter.index,
            metric=own + self._networks.metric(adapter, network.version),
            proto="static",
        )

    def _row(
        self, route: Route, adapter: Adapter, store: int, known: Sequence[Route] | None = None
    ) -> CimInstance:
        metric = self._networks.metric(adapter, route.family, known)
        return self._class.row(
            {
                "DestinationPrefix": _ANYWHERE[route.family] if route.dst == "default" else route.dst,
                "NextHop": route.via or _ON_LINK[route.family],
                "InterfaceIndex": adapter.index,
                "InterfaceAlias": adapter.name,
                "InterfaceMetric": metric,
                "RouteMetric": max(0, route.metric - metric) if route.metric else DEFAULT_ROUTE_METRIC,
                "AddressFamily": FAMILIES[route.family],
                "Protocol": _PROTOCOLS.get(route.proto, _NET_MGMT),
                "Publish": 0,
                "Store": store,
                "TypeOfRoute": 3,
                "CompartmentId": 1,
                "ValidLifetime": INFINITE,
                "PreferredLifetime": INFINITE,
            }
        )


def commands(networks: Networks, hardware: Hardware) -> tuple[CdxmlCommand, ...]:
    """Get-, New-, Set- and Remove-NetRoute."""
    provider = NetRoutes(networks, hardware)
    return (
        CdxmlCommand("Get-NetRoute", CLASS, Act.GET, provider),
        CdxmlCommand("New-NetRoute", CLASS, Act.CREATE, provider),
        CdxmlCommand("Set-NetRoute", CLASS, Act.MODIFY, provider),
        CdxmlCommand("Remove-NetRoute", CLASS, Act.DELETE, provider, prompts=True),
    )


def _same(route: Route, other: Route) -> bool:
    return (route.family, route.dst, route.via, route.index) == (
        other.family, other.dst, other.via, other.index,
    )  # fmt: skip
