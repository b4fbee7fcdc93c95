"""MSFT_DNSClientServerAddress by the settings, and MSFT_NetNat: empty, for WSL's NAT is not NetNat.

(windows-facts 11: HNS and ICS do it.)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet_lab.host.commands.cim import FAMILIES, cim_class
from wslnet_lab.host.commands.read_only import ReadOnly
from wslnet_lab.host.engine import Act, CdxmlCommand, Context, Query

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wslnet_lab.host.contract import CimInstance
    from wslnet_lab.host.networks import Networks
    from wslnet_lab.host.state import MachineState

DNS = "MSFT_DNSClientServerAddress"
NAT = "MSFT_NetNat"


class DnsServers(ReadOnly):
    """The name servers of each adapter and family."""

    def __init__(self, state: MachineState, networks: Networks) -> None:
        self._state = state
        self._networks = networks
        self._class = cim_class(DNS, "InterfaceIndex", "AddressFamily")

    def query(self, query: Query, context: Context) -> Iterable[CimInstance]:
        """Two rows per adapter, with empty lists where none is set."""
        del query, context
        adapters = self._networks.adapters()
        for adapter in adapters:
            servers = self._state.settings.dns_servers.get(adapter.name, ())
            for family in self._networks.families():
                own = [server for server in servers if (":" in server) == (family == 6)]  # noqa: PLR2004 - IPv6
                yield self._class.row(
                    {
                        "InterfaceIndex": adapter.index,
                        "InterfaceAlias": adapter.name,
                        "AddressFamily": FAMILIES[family],
                        "ServerAddresses": own,
                        "ElementName": adapter.name,
                    }
                )


def commands(state: MachineState, networks: Networks) -> tuple[CdxmlCommand, ...]:
    """Get-DnsClientServerAddress and Get-NetNat."""
    return (
        CdxmlCommand("Get-DnsClientServerAddress", DNS, Act.GET, DnsServers(state, networks)),
        CdxmlCommand("Get-NetNat", NAT, Act.GET, ReadOnly()),
    )
