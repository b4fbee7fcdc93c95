"""The networks of one Windows: hardware's adapters and routes joined with the settings that Windows keeps.

Interface settings live in two stores (active, persistent), as Windows has them; what a boot brings back and
what it loses is decided here. It knows no CIM and no parameters.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet_lab.host.hardware import Adapter, Hardware, HardwareError, Route

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from wslnet_lab.host.state import MachineState

# These adapters are made anew at each boot with another GUID, so nothing stored for them fits (wsl-facts 4).
VOLATILE_KINDS = frozenset({"wsl-nat", "fse", "default-switch"})
_TCPIP6 = r"HKLM:\SYSTEM\CurrentControlSet\Services\Tcpip6\Parameters"
_ALL_OFF = 0xFF
_DEFAULT_METRIC = 25
DEFAULT_ROUTE_METRIC = 256  # also what Windows adds to the interface metric for on-link routes


class Networks:
    """Adapters, interface settings and routes."""

    def __init__(self, state: MachineState, hardware: Hardware) -> None:
        self._state = state
        self._hardware = hardware

    def adapters(self) -> tuple[Adapter, ...]:
        """All adapters, those without a device included, by index."""
        dead = (
            Adapter(
                name=row.name,
                index=row.index,
                guid=row.guid,
                description=row.description,
                mac=row.mac,
                mtu=1500,
                up=False,
                carrier=False,
                hidden=row.hidden,
                kind=row.kind,
                device=None,
                addresses=(),
                forwarding={},
                category="Public",
            )
            for row in self._state.settings.dead_adapters
        )
        return tuple(sorted((*self._hardware.adapters(), *dead), key=lambda adapter: adapter.index))

    def adapter(self, index: int) -> Adapter | None:
        """The adapter with that interface index."""
        return next((adapter for adapter in self.adapters() if adapter.index == index), None)

    def named(self, values: Mapping[str, object]) -> Adapter | None:
        """The adapter that InterfaceIndex or InterfaceAlias (any case) in `values` names."""
        alias = str(values.get("InterfaceAlias", "")).lower()
        for adapter in self.adapters():
            if adapter.index == values.get("InterfaceIndex") or adapter.name.lower() == alias:
                return adapter
        return None

    def families(self) -> tuple[int, ...]:
        """4, and 6 unless IPv6 is switched off in the registry."""
        components = self._state.registry.get(_TCPIP6, "DisabledComponents", self._state.settings.owner_sid)
        return (4,) if components == _ALL_OFF else (4, 6)

    # ---- interface settings ------------------------------------------------------------------------

    def setting(self, adapter: Adapter, family: int, *, active: bool) -> Mapping[str, int]:
        """What was set for an interface in one store, by CIM property."""
        file = self._state.boot if active else self._state.network
        stored: Mapping[str, int] = file.data["interfaces"].get(_key(adapter, family), {})
        return stored

    def set(
        self, adapter: Adapter, family: int, values: Mapping[str, int], *, active: bool, persistent: bool
    ) -> None:
        """Sets values of an interface; forwarding reaches the hardware.

        Raises:
            HardwareError: The hardware refused.
        """
        if active:
            if "Forwarding" in values and adapter.device is not None:
                self._hardware.set_forwarding(adapter.index, family, enabled=values["Forwarding"] == 1)
            with self._state.boot.change() as boot:
                boot["interfaces"].setdefault(_key(adapter, family), {}).update(values)
        if persistent:
            with self._state.network.change() as network:
                network["interfaces"].setdefault(_key(adapter, family), {}).update(values)

    def metric(self, adapter: Adapter, family: int, routes: Sequence[Route] | None = None) -> int:
        """The interface metric: what was set, else what the default route or an on-link one implies.

        A default route has the interface's metric, an on-link one 256 more (wsl-guest-facts 1.4). `routes`
        are the hardware's where the caller has them already.
        """
        stored = self.setting(adapter, family, active=True).get("InterfaceMetric")
        if stored is not None:
            return stored
        own = [
            route
            for route in (self._hardware.routes() if routes is None else routes)
            if route.index == adapter.index and route.family == family
        ]
        defaults = [route.metric for route in own if route.dst == "default" and route.metric]
        on_link = [
            route.metric - DEFAULT_ROUTE_METRIC for route in own if route.metric > DEFAULT_ROUTE_METRIC
        ]
        return min(defaults or on_link or [_DEFAULT_METRIC])

    # ---- routes ------------------------------------------------------------------------------------

    def persistent_routes(self) -> tuple[Route, ...]:
        """The routes of the persistent store, with the index that their adapter has now."""
        indexes = {adapter.guid: adapter.index for adapter in self.adapters()}
        return tuple(
            Route(row["family"], row["dst"], row["via"], indexes[row["guid"]], row["metric"], "static")
            for row in self._state.network.data["routes"]
            if row["guid"] in indexes
        )

    def keep_route(self, route: Route) -> None:
        """Enters a route into the persistent store."""
        adapter = self.adapter(route.index)
        if adapter is None:
            return
        row = {
            "family": route.family,
            "dst": route.dst,
            "via": route.via,
            "guid": adapter.guid,
            "metric": route.metric,
        }
        with self._state.network.change() as network:
            network["routes"] = [*(r for r in network["routes"] if not _same(r, row)), row]

    def forget_route(self, route: Route) -> None:
        """Takes a route out of the persistent store, if it is there."""
        adapter = self.adapter(route.index)
        guid = adapter.guid if adapter is not None else ""
        row = {"family": route.family, "dst": route.dst, "via": route.via, "guid": guid}
        with self._state.network.change() as network:
            network["routes"] = [r for r in network["routes"] if not _same(r, row)]

    # ---- boot --------------------------------------------------------------------------------------

    def restore(self) -> None:
        """What a boot brings back: forwarding and routes of adapters that are the same as before.

        Raises:
            HardwareError: The hardware refused.
        """
        for adapter in self._hardware.adapters():
            if adapter.kind in VOLATILE_KINDS:
                continue
            for family in (4, 6):
                stored = dict(self.setting(adapter, family, active=False))
                if stored:
                    self.set(adapter, family, stored, active=True, persistent=False)
        present = {(route.family, route.dst, route.via, route.index) for route in self._hardware.routes()}
        for route in self.persistent_routes():
            if (route.family, route.dst, route.via, route.index) not in present:
                try:
                    self._hardware.route_add(route)
                except HardwareError as error:
                    # A route whose gateway is not there yet is no reason not to boot.
                    self._state.log_event("Tcpip", "Warning", f"route {route.dst}: {error}")


def _key(adapter: Adapter, family: int) -> str:
    return f"{adapter.guid or adapter.name}|{family}"


def _same(row: Mapping[str, object], other: Mapping[str, object]) -> bool:
    return all(row[name] == other[name] for name in ("family", "dst", "via", "guid"))
