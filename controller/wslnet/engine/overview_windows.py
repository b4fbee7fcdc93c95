"""The Windows host as `status` tells it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet.engine.overview_link import LinkView
from wslnet.model.adapter_roles import Role, role_of
from wslnet.model.families import IPV4

if TYPE_CHECKING:
    from wslnet.model.windows_facts import Adapter, WindowsFacts

NEEDS = frozenset({"os", "adapters", "interfaces", "addresses", "routes", "profiles", "wsl", "wslconfig"})


def system_of(windows: WindowsFacts) -> str | None:
    """Windows in one line; the build tells Windows 11, `ProductName` says Windows 10 on both."""
    if windows.os is None:
        return None
    name = "Windows 11" if windows.os.build >= _FIRST_WINDOWS_11 else (windows.os.product or "Windows")
    edition = f" {windows.os.edition}" if windows.os.edition else ""
    return f"{name}{edition}, build {windows.os.build}.{windows.os.revision}"


_FIRST_WINDOWS_11 = 22000


def windows_links(windows: WindowsFacts) -> tuple[LinkView, ...]:
    """All adapters in the order of their index: what carries traffic first."""
    views = [(_PLACE.get(role_of(one, windows), 1), one) for one in windows.adapters or ()]
    return tuple(_link(adapter, windows) for _, adapter in sorted(views, key=lambda pair: pair[0]))


_PLACE = {Role.UPLINK: 0, Role.DISCONNECTED: 2}


def _link(adapter: Adapter, windows: WindowsFacts) -> LinkView:
    here = [one for one in windows.interfaces or () if one.index == adapter.index and one.family == IPV4]
    addresses = [one for one in windows.addresses or () if one.index == adapter.index]
    gateways = [
        route.via
        for route in windows.routes or ()
        if route.index == adapter.index and route.dst == "0.0.0.0/0" and route.family == IPV4
    ]
    category = next((one.category for one in windows.profiles or () if one.index == adapter.index), None)
    return LinkView(
        name=adapter.name,
        role=str(role_of(adapter, windows)),
        up=adapter.status == "Up",
        status=adapter.status or "unknown",
        mac=adapter.mac,
        mtu=here[0].mtu if here else None,
        addresses=tuple(f"{one.address}/{one.prefix}" for one in addresses),
        gateway=gateways[0] if gateways else None,
        forwarding=here[0].forwarding if here else None,
        category=category,
    )
