"""The facts that every mode's preflight and plan read, and the options a user gives to `setup`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wslnet.model.allow import Allow

WINDOWS_NEEDS = frozenset(
    {
        "os",
        "elevated",
        "adapters",
        "interfaces",
        "addresses",
        "routes",
        "profiles",
        "host_profiles",
        "hyperv_firewall",
        "listeners",
        "portproxy",
        "host_rules",
        "registry",
        "security",
        "services",
        "wslconfig",
        "wsl",
    }
)


RECOMMENDED = {"wsl2.dnsTunneling": "true", "wsl2.autoProxy": "true", "wsl2.firewall": "true"}
"""Further keys that Microsoft recommends in either mode (`--recommended`)."""


@dataclass(frozen=True, slots=True)
class SetupOptions:
    """What was asked of `setup` beside the mode.

    `allow_regression`: pairs (from, to) that may stop; `vm_switch`: the switch for bridged mode;
    `update_wsl`: `stable` or `pre`, what WSL is updated to first.
    """

    allow: tuple[Allow, ...] = ()
    open_all: bool = False
    host_loopback: bool = False
    recommended: bool = False
    lan_peer: str | None = None
    allow_regression: tuple[tuple[str, str], ...] = ()
    vm_switch: str | None = None
    update_wsl: str | None = None
