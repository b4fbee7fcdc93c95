"""MSFT_NetAdapter: the cards; hidden ones only with -IncludeHidden, hardware ones only with -Physical."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet_lab.host.commands.cim import cim_class
from wslnet_lab.host.commands.read_only import ReadOnly
from wslnet_lab.host.contract import CimInstance
from wslnet_lab.host.engine import Act, CdxmlCommand, Context, Query

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wslnet_lab.host.hardware import Adapter
    from wslnet_lab.host.networks import Networks

CLASS = "MSFT_NetAdapter"
_GIGABIT = 1_000_000_000
_UP, _DOWN = 1, 2
_CONNECTED, _DISCONNECTED = 1, 2
_ETHERNET = 6


class NetAdapters(ReadOnly):
    """The provider."""

    def __init__(self, networks: Networks) -> None:
        self._networks = networks
        self._class = cim_class(CLASS, "DeviceID")

    def query(self, query: Query, context: Context) -> Iterable[CimInstance]:
        """The cards that the switches let through."""
        del query
        adapters = self._networks.adapters()
        for adapter in adapters:
            if adapter.hidden and not context.options.get("IncludeHidden"):
                continue
            if context.options.get("Physical") and adapter.kind != "physical":
                continue
            yield self._row(adapter)

    def _row(self, adapter: Adapter) -> CimInstance:
        connected = adapter.up and adapter.carrier
        speed = _GIGABIT if connected else 0
        mac = adapter.mac.replace(":", "").replace("-", "").upper()
        physical = adapter.kind == "physical"
        row = self._class.row(
            {
                "Name": adapter.name,
                "InterfaceName": f"ethernet_{adapter.index}",
                "InterfaceDescription": adapter.description,
                "DriverDescription": adapter.description,
                "InterfaceIndex": adapter.index,
                "InterfaceGuid": adapter.guid,
                "DeviceID": adapter.guid,
                "DeviceName": f"\\Device\\{adapter.guid}",
                "PermanentAddress": mac,
                "NetworkAddresses": [mac] if mac else [],
                "Virtual": not physical,
                "Hidden": adapter.hidden,
                "HardwareInterface": physical,
                "ConnectorPresent": physical,
                "State": 2,
                "InterfaceAdminStatus": _UP,
                "InterfaceOperationalStatus": _UP if connected else _DOWN,
                "OperationalStatusDownMediaDisconnected": not connected,
                "MediaConnectState": _CONNECTED if connected else _DISCONNECTED,
                "InterfaceType": _ETHERNET,
                "MtuSize": adapter.mtu,
                "ActiveMaximumTransmissionUnit": adapter.mtu,
                "Speed": speed,
                "TransmitLinkSpeed": speed,
                "ReceiveLinkSpeed": speed,
                "FullDuplex": True,
                "AdminLocked": False,
            }
        )
        # ScriptProperties of the types file that have no property of that number behind them.
        shown = {
            "Status": "Up" if connected else "Disconnected",
            "MacAddress": "-".join(mac[at : at + 2] for at in range(0, len(mac), 2)),
            "LinkSpeed": "1 Gbps" if connected else "0 bps",
            "AdminStatus": "Up",
            "MediaConnectionState": "Connected" if connected else "Disconnected",
        }
        return CimInstance(row.namespace, row.class_name, row.properties, row.keys, {**row.friendly, **shown})


def commands(networks: Networks) -> tuple[CdxmlCommand, ...]:
    """Get-NetAdapter."""
    provider = NetAdapters(networks)
    return (
        CdxmlCommand(
            "Get-NetAdapter",
            CLASS,
            Act.GET,
            provider,
            options=frozenset({"IncludeHidden", "Physical"}),
        ),
    )
