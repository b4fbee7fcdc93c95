"""One link of one machine as `status` and `topo` tell it: the same shape for Windows and Linux."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LinkView:
    """An adapter of Windows or a link of Linux.

    `role` is the word of `wslnet.model.adapter_roles` on Windows, the kernel's kind on Linux; `addresses`
    carry their prefix. `mirrors` names the Windows adapter that a mirrored link stands for, `mirrors_by`
    how that is known.
    """

    name: str
    role: str
    up: bool
    status: str
    mac: str | None = None
    mtu: int | None = None
    addresses: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    gateway: str | None = None
    master: str | None = None
    forwarding: bool | None = None
    category: str | None = None
    mirrors: str | None = None
    mirrors_by: str | None = None
    qdisc: str | None = None


@dataclass(frozen=True, slots=True)
class BridgeView:
    """A bridge with its ports."""

    name: str
    addresses: tuple[str, ...]
    ports: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class VmView:
    """A VM that libvirt knows; `machine` is its name in the inventory, if it stands there."""

    name: str
    state: str
    machine: str | None = None
