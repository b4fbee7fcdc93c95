"""What Windows' own IP stack shows and lets be changed: adapters, addresses, routes, forwarding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["physical", "wsl-nat", "fse", "default-switch", "vpn", "vmware"]


@dataclass(frozen=True)
class Adapter:
    """An adapter as Windows names it, and the interface that stands for it (absent = adapter absent)."""

    name: str
    device: str
    kind: Kind
    guid: str
    description: str
    hidden: bool = False
    category: str = "Private"


def prepare(windows: str) -> None:
    """Set what holds from boot on: dynamic ports 49152-65535, the forwarding rules, no forwarding anywhere."""
    raise NotImplementedError


def add_idle_adapter(windows: str, device: str, mac: str, mtu: int = 1500) -> None:
    """Make an adapter with nothing connected to it (disconnected card, VMware adapter, FSE HostVnic)."""
    raise NotImplementedError


def read_adapters(windows: str, adapters: Sequence[Adapter]) -> list[dict[str, Any]]:
    """The adapters that exist now, in the shape of docs/protocols.md section 3, `adapters`."""
    raise NotImplementedError


def read_routes(windows: str, adapters: Sequence[Adapter]) -> list[dict[str, Any]]:
    """Main-table routes over these adapters, in the shape of docs/protocols.md section 3, `routes`."""
    raise NotImplementedError


def set_forwarding(windows: str, index: int, family: int, *, enabled: bool) -> None:
    """Switch forwarding of one interface and family (4 or 6); an unknown index is a FabricError."""
    raise NotImplementedError


def add_route(windows: str, family: int, dst: str, via: str | None, index: int, metric: int) -> None:
    """Add a route; one that exists is a FabricError."""
    raise NotImplementedError


def delete_route(windows: str, family: int, dst: str, via: str | None, index: int, metric: int | None) -> None:
    """Delete a route; one that does not exist is a FabricError."""
    raise NotImplementedError
