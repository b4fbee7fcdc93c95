"""MSFT_NetConnectionProfile: the network of each connected adapter and its category.

A category that is set stays over reboots and moves the Hyper-V firewall to other profiles at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet_lab.host.commands.cim import cim_class, number
from wslnet_lab.host.commands.read_only import ReadOnly
from wslnet_lab.host.commands.writes import bad_parameter, require_admin
from wslnet_lab.host.engine import Act, CdxmlCommand, Context, Query

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from wslnet_lab.host.contract import CimInstance
    from wslnet_lab.host.enforcement import FirewallEnforcement
    from wslnet_lab.host.hardware import Adapter
    from wslnet_lab.host.networks import Networks
    from wslnet_lab.host.state import MachineState

CLASS = "MSFT_NetConnectionProfile"
_CATEGORIES = ("Public", "Private", "DomainAuthenticated")
_INTERNET, _LOCAL, _NO_TRAFFIC = 4, 3, 1
# WSL's own adapters have no network profile of their own; VPN tunnels often have none either.
_WITHOUT = frozenset({"wsl-nat", "fse", "default-switch"})
_OUTWARDS = frozenset({"physical", "external"})


class ConnectionProfiles(ReadOnly):
    """The provider."""

    def __init__(self, state: MachineState, networks: Networks, firewall: FirewallEnforcement) -> None:
        self._state = state
        self._networks = networks
        self._firewall = firewall
        self._class = cim_class(CLASS, "InstanceID")

    def query(self, query: Query, context: Context) -> Iterable[CimInstance]:
        """One row per connected adapter with an address."""
        del query, context
        adapters = self._networks.adapters()
        for adapter in adapters:
            if adapter.up and adapter.carrier and adapter.addresses and adapter.kind not in _WITHOUT:
                yield self._row(adapter)

    def modify(self, row: CimInstance, values: Mapping[str, object], context: Context) -> CimInstance:
        """Sets the category and moves the firewall with it."""
        require_admin(context)
        adapter = self._networks.adapter(number(row, "InterfaceIndex"))
        category = values.get("NetworkCategory")
        if adapter is None or not isinstance(category, int):
            raise bad_parameter("Invalid parameter NetworkCategory. ")
        if _CATEGORIES[category] == "DomainAuthenticated":
            # Only a domain makes a network that (the cmdlet's documentation).
            raise bad_parameter("Unable to set NetworkCategory to 'DomainAuthenticated'. ")
        with self._state.network.change() as network:
            network["categories"][adapter.guid] = _CATEGORIES[category]
        self._firewall.push()
        return self._row(adapter)

    def _row(self, adapter: Adapter) -> CimInstance:
        return self._class.row(
            {
                "InstanceID": adapter.guid,
                "Name": "网络" if adapter.kind in _OUTWARDS else adapter.name,
                "InterfaceAlias": adapter.name,
                "InterfaceIndex": adapter.index,
                "NetworkCategory": _CATEGORIES.index(self._firewall.category(adapter)),
                "DomainAuthenticationKind": 0,
                "IPv4Connectivity": _INTERNET if adapter.kind in _OUTWARDS else _LOCAL,
                "IPv6Connectivity": _NO_TRAFFIC,
            }
        )


def commands(
    state: MachineState, networks: Networks, firewall: FirewallEnforcement
) -> tuple[CdxmlCommand, ...]:
    """Get- and Set-NetConnectionProfile."""
    provider = ConnectionProfiles(state, networks, firewall)
    return (
        CdxmlCommand("Get-NetConnectionProfile", CLASS, Act.GET, provider),
        CdxmlCommand("Set-NetConnectionProfile", CLASS, Act.MODIFY, provider),
    )
