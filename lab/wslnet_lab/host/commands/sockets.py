"""MSFT_NetTCPConnection and MSFT_NetUDPEndpoint: what listens on Windows, by the hardware's sockets."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from wslnet_lab.host.commands.cim import cim_class
from wslnet_lab.host.commands.read_only import ReadOnly
from wslnet_lab.host.engine import Act, CdxmlCommand, Context, Query

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wslnet_lab.host.contract import CimInstance
    from wslnet_lab.host.hardware import Hardware

TCP = "MSFT_NetTCPConnection"
UDP = "MSFT_NetUDPEndpoint"
_LISTEN = 2
_ANY = {4: "0.0.0.0", 6: "::"}  # what a listener's far end reads as


class Sockets(ReadOnly):
    """The provider of both classes. The lab knows listeners, not single connections."""

    def __init__(self, hardware: Hardware) -> None:
        self._hardware = hardware
        self._tcp = cim_class(TCP, "InstanceID")
        self._udp = cim_class(UDP, "InstanceID")
        self._since = datetime.now(UTC)

    def query(self, query: Query, context: Context) -> Iterable[CimInstance]:
        """The listeners of the class's protocol."""
        del context
        listeners = self._hardware.listeners()
        for listener in listeners:
            name = f"{listener.address}++{listener.port}"
            own: dict[str, object] = {
                "LocalAddress": listener.address,
                "LocalPort": listener.port,
                "OwningProcess": listener.pid,
                "CreationTime": self._since,
                "InstanceID": name,
            }
            if query.class_name == UDP and listener.proto == "udp":
                yield self._udp.row(own)
            elif query.class_name == TCP and listener.proto == "tcp":
                far = _ANY[listener.family]
                more = {"State": _LISTEN, "RemoteAddress": far, "RemotePort": 0, "AppliedSetting": 0}
                yield self._tcp.row({**own, **more, "OffloadState": 0})


def commands(hardware: Hardware) -> tuple[CdxmlCommand, ...]:
    """Get-NetTCPConnection and Get-NetUDPEndpoint."""
    provider = Sockets(hardware)
    return (
        CdxmlCommand("Get-NetTCPConnection", TCP, Act.GET, provider),
        CdxmlCommand("Get-NetUDPEndpoint", UDP, Act.GET, provider),
    )
