"""MSFT_NetIPAddress: the addresses of all adapters and of the loopback interface."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from wslnet_lab.host.commands.cim import ACTIVE_STORE, FAMILIES, INFINITE, cim_class, number, text
from wslnet_lab.host.commands.net_interface import store_of
from wslnet_lab.host.commands.read_only import ReadOnly
from wslnet_lab.host.commands.writes import OBJECT_EXISTS, bad_parameter, require_admin
from wslnet_lab.host.engine import Act, CdxmlCommand, Context, Query, win32_error
from wslnet_lab.host.hardware import Adapter, Hardware, LinkAddress

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from wslnet_lab.host.contract import CimInstance
    from wslnet_lab.host.networks import Networks

CLASS = "MSFT_NetIPAddress"
# PrefixOrigin and SuffixOrigin have the same numbers for these (4: announced prefix, link-layer suffix).
_ORIGINS = {"manual": 1, "wellknown": 2, "dhcp": 3, "routeradvertisement": 4}
_PREFERRED = 4
_MAX_PREFIX = {4: 32, 6: 128}


class NetIPAddresses(ReadOnly):
    """The provider."""

    def __init__(self, networks: Networks, hardware: Hardware) -> None:
        self._networks = networks
        self._hardware = hardware
        self._class = cim_class(CLASS, "IPAddress", "InterfaceIndex", "Store")

    def query(self, query: Query, context: Context) -> Iterable[CimInstance]:
        """All addresses; both stores show the same ones, for the lab's addresses are all configured."""
        store = store_of(context, ACTIVE_STORE) or 0
        wanted = query.associated[1] if query.associated else None
        families = self._networks.families()
        for adapter in self._networks.adapters():
            for address in adapter.addresses:
                if address.family in families and _belongs(adapter, address, wanted):
                    yield self._row(adapter.index, adapter.name, address, store)
        if wanted is None and store == ACTIVE_STORE:
            yield self._row(
                1, "Loopback Pseudo-Interface 1", LinkAddress(4, "127.0.0.1", 8, "wellknown"), store
            )
            if 6 in families:  # noqa: PLR2004 - the family
                own = LinkAddress(6, "::1", 128, "wellknown")
                yield self._row(1, "Loopback Pseudo-Interface 1", own, store)

    def create(self, class_name: str, values: Mapping[str, object], context: Context) -> CimInstance:
        """Adds an address to an adapter."""
        del class_name
        require_admin(context)
        adapter = self._networks.named(values)
        if adapter is None:
            raise bad_parameter("Invalid parameter InterfaceAlias ")
        try:
            address = ipaddress.ip_address(str(values["IPAddress"]))
        except ValueError as error:
            raise bad_parameter("Invalid parameter IPAddress ") from error
        if values.get("DefaultGateway"):
            raise bad_parameter("the lab adds no gateway with an address; use New-NetRoute ")
        prefix = values.get("PrefixLength", _MAX_PREFIX[address.version])
        if not isinstance(prefix, int) or prefix > _MAX_PREFIX[address.version]:
            raise bad_parameter("Invalid parameter PrefixLength ")
        if any(own.address == str(address) for other in self._networks.adapters() for own in other.addresses):
            raise win32_error(OBJECT_EXISTS, "Instance MSFT_NetIPAddress already exists ")
        self._hardware.address_add(adapter.index, address.version, str(address), prefix)
        added = LinkAddress(address.version, str(address), prefix)
        return self._row(adapter.index, adapter.name, added, ACTIVE_STORE)

    def delete(self, row: CimInstance, context: Context) -> None:
        """Takes an address from its adapter."""
        require_admin(context)
        plain = text(row, "IPAddress").partition("%")[0]
        family = ipaddress.ip_address(plain).version
        self._hardware.address_delete(
            number(row, "InterfaceIndex"), family, plain, number(row, "PrefixLength")
        )

    def _row(self, index: int, alias: str, address: LinkAddress, store: int) -> CimInstance:
        shown = address.address
        if address.family == 6 and ipaddress.IPv6Address(shown).is_link_local:  # noqa: PLR2004 - the family
            shown = f"{shown}%{index}"
        return self._class.row(
            {
                "InterfaceIndex": index,
                "InterfaceAlias": alias,
                "IPAddress": shown,
                "AddressFamily": FAMILIES[address.family],
                "PrefixLength": address.prefix,
                "Type": 1,
                "Store": store,
                "PrefixOrigin": _ORIGINS.get(address.origin.lower(), 1),
                "SuffixOrigin": _ORIGINS.get(address.origin.lower(), 1),
                "AddressState": _PREFERRED,
                "ValidLifetime": INFINITE,
                "PreferredLifetime": INFINITE,
                "SkipAsSource": False,
                "IPv4Address" if address.family == 4 else "IPv6Address": shown,  # noqa: PLR2004 - the family
            }
        )


def commands(networks: Networks, hardware: Hardware) -> tuple[CdxmlCommand, ...]:
    """Get-, New- and Remove-NetIPAddress."""
    provider = NetIPAddresses(networks, hardware)
    return (
        CdxmlCommand("Get-NetIPAddress", CLASS, Act.GET, provider),
        CdxmlCommand("New-NetIPAddress", CLASS, Act.CREATE, provider),
        CdxmlCommand("Remove-NetIPAddress", CLASS, Act.DELETE, provider, prompts=True),
    )


def _belongs(adapter: Adapter, address: LinkAddress, interface: CimInstance | None) -> bool:
    if interface is None:
        return True
    return (adapter.index, FAMILIES[address.family]) == (
        number(interface, "InterfaceIndex"),
        number(interface, "AddressFamily"),
    )
