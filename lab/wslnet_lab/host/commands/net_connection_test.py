"""Test-NetConnection: a real probe from the windows namespace, told as its result object.

Names other than addresses and `localhost` do not resolve: the lab has no name server on Windows.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wslnet_lab.host.commands.provider_errors import hardware_failure, not_modelled
from wslnet_lab.host.contract import BoundCall, CommandError, EnumValue, PlainObject, Progress, Sink

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wslnet_lab.host.engine import Registry
    from wslnet_lab.host.hardware import Adapter, Hardware, Route
    from wslnet_lab.host.networks import Networks

_TYPES = ("TestNetConnectionResult", "System.Object")
_DEFAULT_TARGET = "internetbeacon.msedge.net"
_COMMON_PORTS = {"HTTP": 80, "RDP": 3389, "SMB": 445, "WINRM": 5985}
# Windows itself waits some 21 s for a port that swallows SYNs; the lab need not.
_PATIENCE_S = 4.0


@dataclass(frozen=True, slots=True)
class _Way:
    adapter: Adapter | None
    source: str | None


class ConnectionTest:
    """The body."""

    def __init__(self, hardware: Hardware, networks: Networks) -> None:
        self._hardware = hardware
        self._networks = networks

    def run(self, call: BoundCall, sink: Sink) -> Iterator[object]:
        """Ping, or TCP to -Port or -CommonTCPPort with a ping only when that fails."""
        with hardware_failure(call.command):
            yield self._result(call, sink)

    def _result(self, call: BoundCall, sink: Sink) -> object:
        for name in ("TraceRoute", "DiagnoseRouting"):
            if call.parameters.get(name):
                raise CommandError(not_modelled(call.command, f"-{name}"))
        target = str(call.parameters.get("ComputerName") or _DEFAULT_TARGET)
        port = _port(call)
        address = _resolved(target)
        tcp = False
        if address is None:
            sink.warning(f"Name resolution of {target} failed")
        elif port is not None:
            sink.notice(
                Progress("Test-NetConnection", f"Attempting TCP connect to {address}", completed=True)
            )
            tcp = self._hardware.probe("tcp", address, port, _PATIENCE_S)[0]
            if not tcp:
                sink.warning(f"TCP connect to ({address} : {port}) failed")
        ping, milliseconds = False, 0.0
        if address is not None and not tcp:
            ping, milliseconds, _ = self._hardware.probe("icmp", address, 0, _PATIENCE_S)
            if not ping:
                sink.warning(f"Ping to {address} failed with status: TimedOut")
        if _level(call) == "Quiet":
            return tcp if port is not None else ping
        way = self._way(address)
        return PlainObject(
            _TYPES,
            {
                "ComputerName": target,
                "RemoteAddress": address,
                "RemotePort": port or 0,
                "NameResolutionSucceeded": address is not None,
                "PingSucceeded": ping,
                "PingReplyDetails": f"{milliseconds:.0f} ms" if ping else None,
                "TcpTestSucceeded": tcp,
                "InterfaceAlias": way.adapter.name if way.adapter else None,
                "InterfaceIndex": way.adapter.index if way.adapter else 0,
                "InterfaceDescription": way.adapter.description if way.adapter else None,
                "SourceAddress": way.source,
                "Detailed": _level(call) == "Detailed",
            },
            to_string=_TYPES[0],
        )

    def _way(self, address: str | None) -> _Way:
        """The adapter and source address that Windows' routes give for a destination."""
        if address is None:
            return _Way(None, None)
        routes = [route for route in self._hardware.routes() if _covers(route, address)]
        if not routes:
            return _Way(None, None)
        best = max(routes, key=lambda route: (_length(route), -route.metric))
        adapter = self._networks.adapter(best.index)
        family = ipaddress.ip_address(address).version
        own = adapter.addresses if adapter is not None else ()
        source = next((each.address for each in own if each.family == family), None)
        return _Way(adapter, source)


def register(registry: Registry, hardware: Hardware, networks: Networks) -> None:
    """Enters Test-NetConnection."""
    registry.add("Test-NetConnection", ConnectionTest(hardware, networks).run)


def _port(call: BoundCall) -> int | None:
    common = call.parameters.get("CommonTCPPort")
    if common is not None:
        name = common.name if isinstance(common, EnumValue) else str(common)
        return _COMMON_PORTS.get(name.upper())
    port = call.parameters.get("Port")
    return port if isinstance(port, int) else None


def _level(call: BoundCall) -> str:
    level = call.parameters.get("InformationLevel")
    return (level.name if isinstance(level, EnumValue) else str(level or "")).capitalize()


def _resolved(target: str) -> str | None:
    if target.lower() == "localhost":
        return "127.0.0.1"
    try:
        return str(ipaddress.ip_address(target))
    except ValueError:
        return None


def _covers(route: Route, address: str) -> bool:
    parsed = ipaddress.ip_address(address)
    if route.family != parsed.version:
        return False
    return route.dst == "default" or parsed in ipaddress.ip_network(route.dst, strict=False)


def _length(route: Route) -> int:
    return 0 if route.dst == "default" else ipaddress.ip_network(route.dst, strict=False).prefixlen
