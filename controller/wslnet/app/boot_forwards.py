"""Published ports in SYSTEM's half of `wslnet boot run`: they follow the addresses of WSL and of Windows.

SYSTEM cannot ask wsl.exe; WSL writes its NAT address into its owner's registry (wsl-facts 1.3). Its owner
could write anything there, so it counts only while it lies in the network of WSL's own adapter.
"""

from __future__ import annotations

import ipaddress
from dataclasses import replace
from typing import TYPE_CHECKING

from wslnet.errors import WslnetError
from wslnet.model.portproxy import networks
from wslnet.model.windows_wsl import WslService
from wslnet.profiles.forwards import windows_resources
from wslnet.profiles.nat_forwards import MODE, withdrawn_resources

if TYPE_CHECKING:
    from collections.abc import Callable

    from wslnet.model.boot_data import BootData
    from wslnet.model.change import Resource
    from wslnet.model.forward import Forward
    from wslnet.model.snapshot import Snapshot
    from wslnet.model.windows_facts import WindowsFacts

_NEEDS = frozenset(
    {"adapters", "addresses", "routes", "profiles", "host_rules", "portproxy", "listeners", "wsl_nat"}
)


def needs_of(data: BootData) -> frozenset[str]:
    """The facts that it reads; the scheduled tasks only where one of them carries UDP."""
    carries = any(one.proto == "udp" for one in data.inventory.wish.forward)
    return _NEEDS | {"boot"} if carries else _NEEDS


def published_resources(
    snapshot: Snapshot, data: BootData, say: Callable[[str, str], None]
) -> list[Resource]:
    """Windows' part of every forward in the data; one that cannot be had is said and keeps no other back."""
    windows = data.inventory.windows
    if windows is None:
        return []
    seen = _with_address(snapshot, data)
    if data.mode == MODE and (seen.windows is None or seen.windows.wsl is None):
        say(windows.name, "WSL has no NAT address yet: what is published leads nowhere until it has")
        return []
    found: list[Resource] = []
    for one in data.inventory.wish.forward:
        found += _of(seen, data.mode, windows.name, one, say)
    return found


def _of(
    snapshot: Snapshot, mode: str, windows: str, forward: Forward, say: Callable[[str, str], None]
) -> list[Resource]:
    try:
        resources = list(windows_resources(snapshot, mode, (forward,)))
        for resource in resources:
            resource.diff(snapshot.facts[windows])
    except WslnetError as refused:
        say(windows, refused.message)
        return list(withdrawn_resources(snapshot, windows, forward)) if mode == MODE else []
    return resources


def _with_address(snapshot: Snapshot, data: BootData) -> Snapshot:
    """The snapshot with WSL as its owner's registry tells it, where that can be true."""
    facts, machine = snapshot.windows, snapshot.inventory.windows
    address = facts.wsl_nat.address(data.owner) if facts is not None and facts.wsl_nat is not None else None
    if facts is None or machine is None or data.mode != MODE or not _is_of_wsl(facts, address):
        return snapshot
    wsl = WslService(installed=True, running=True, mode=MODE, address=address)
    return replace(snapshot, facts={**snapshot.facts, machine.name: replace(facts, wsl=wsl)})


def _is_of_wsl(facts: WindowsFacts, address: str | None) -> bool:
    try:
        found = ipaddress.IPv4Address(address or "")
    except ValueError:
        return False
    return any(found in network for network in networks(facts)[0])
