"""What each Windows adapter is there for, read from what is no word of any language.

Names of adapters are localised and free text, so a role rests on prefixes, gateways, driver descriptions and
MAC blocks. Pure; a role is a description, never a permission.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from wslnet.model.families import IPV4

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wslnet.model.windows_facts import Adapter, WindowsFacts

_DEFAULT = "0.0.0.0/0"
_HOST_PREFIX = 32
_HYPER_V = "hyper-v virtual ethernet adapter"
_FSE = "fse hostvnic"
_VMWARE_MAC = "00:50:56:"
_VIRTUALBOX_MAC = "0a:00:27:"


class Role(StrEnum):
    """The part an adapter plays; `LOCAL` is one that is up and leads nowhere further."""

    UPLINK = "uplink"
    VPN = "vpn"
    VMWARE = "vmware"
    VIRTUALBOX = "virtualbox"
    BLUETOOTH = "bluetooth"
    WSL = "wsl"
    FSE = "fse"
    HYPER_V = "hyper-v"
    DISCONNECTED = "disconnected"
    LOCAL = "local"


EXPLAINED: Mapping[Role, str] = {
    Role.UPLINK: "has a default gateway: the way out",
    Role.VPN: "has a host address (/32): a tunnel without neighbours",
    Role.VMWARE: "VMware's own network; nothing of WSL goes through it",
    Role.VIRTUALBOX: "VirtualBox's own network; nothing of WSL goes through it",
    Role.BLUETOOTH: "network over Bluetooth",
    Role.WSL: "Windows' end of WSL's network in NAT mode",
    Role.FSE: "carries mirrored mode; not to be touched",
    Role.HYPER_V: "Windows' end of a Hyper-V switch",
    Role.DISCONNECTED: "no medium",
    Role.LOCAL: "up, no gateway",
}


def roles(windows: WindowsFacts) -> dict[int, Role]:
    """The role of every adapter, by its interface index."""
    return {adapter.index: role_of(adapter, windows) for adapter in windows.adapters or ()}


def role_of(adapter: Adapter, windows: WindowsFacts) -> Role:
    """The role of one adapter.

    What it is made for goes before how it is: a Hyper-V adapter with a gateway (an External switch) is an
    uplink all the same, and so is no tunnel, which is told by its /32 (seed 000, wsl-facts 2.2).
    """
    name, driver = adapter.name.casefold(), (adapter.description or "").casefold()
    mine = [one for one in windows.addresses or () if one.index == adapter.index and one.family == IPV4]
    gateway = any(one.index == adapter.index and one.dst == _DEFAULT for one in windows.routes or ())
    virtual = driver.startswith(_HYPER_V) or name.startswith("vethernet (")
    tests = (
        (Role.FSE, _FSE in name or _FSE in driver),
        (Role.VPN, any(one.prefix == _HOST_PREFIX for one in mine)),
        (Role.UPLINK, gateway),
        (Role.BLUETOOTH, "bluetooth" in driver or "bluetooth" in name),
        (Role.VMWARE, "vmware" in driver or (adapter.mac or "").startswith(_VMWARE_MAC)),
        (Role.VIRTUALBOX, "virtualbox" in driver or (adapter.mac or "").startswith(_VIRTUALBOX_MAC)),
        (Role.WSL, virtual and "(wsl" in name),
        (Role.HYPER_V, virtual),
        (Role.DISCONNECTED, adapter.status is not None and adapter.status != "Up"),
    )
    return next((role for role, holds in tests if holds), Role.LOCAL)
