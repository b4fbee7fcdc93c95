"""The facts that every mode's preflight and plan read, and the options a user gives to `setup`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wslnet.model.allow import Allow

WINDOWS_NEEDS = frozenset(
    {
        "os",
        "adapters",
        "interfaces",
        "addresses",
        "routes",
        "profiles",
        "hyperv_firewall",
        "listeners",
        "portproxy",
        "registry",
        "wslconfig",
        "wsl",
    }
)


@dataclass(frozen=True, slots=True)
class SetupOptions:
    """What was asked of `setup` beside the mode."""

    allow: tuple[Allow, ...] = ()
    open_all: bool = False
    host_loopback: bool = False
    recommended: bool = False
    lan_peer: str | None = None
