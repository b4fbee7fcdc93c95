"""The modes that `setup` knows: how each becomes resources, and what it cannot do without."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wslnet.errors import InputError
from wslnet.profiles import bridged_mode, mirrored, nat

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from wslnet.model.change import Resource
    from wslnet.model.snapshot import Snapshot
    from wslnet.profiles.modes import SetupOptions


@dataclass(frozen=True, slots=True)
class Profile:
    """One mode.

    `resources` gives all of them, `behind` those to be found anew behind the barrier; `requires` are the
    codes of checks whose failure means that the mode cannot be had; `publishes`: whether wished ports are
    opened to the LAN by it; `proves`: checks that must not fail once it is in place.
    """

    resources: Callable[[Snapshot, SetupOptions], tuple[Resource, ...]]
    behind: Callable[[Snapshot], tuple[Resource, ...]]
    requires: frozenset[str] = frozenset()
    publishes: bool = False
    proves: frozenset[str] = frozenset()


PROFILES: Mapping[str, Profile] = {
    mirrored.MODE: Profile(
        mirrored.mirrored_resources,
        mirrored.volatile_resources,
        frozenset({"windows.build", "wsl.version", "wsl.policy", "hyperv.firewall", "ipv6.components"}),
        publishes=True,
        proves=frozenset({"mirror.equal"}),
    ),
    nat.MODE: Profile(nat.nat_resources, nat.volatile_resources, frozenset({"wsl.policy"})),
    bridged_mode.MODE: Profile(
        bridged_mode.bridged_resources, bridged_mode.volatile_resources, frozenset({"wsl.policy"})
    ),
}


def profile_of(mode: str) -> Profile:
    """The profile of a mode.

    Raises:
        InputError: setup does not know that mode.
    """
    found = PROFILES.get(mode)
    if found is None:
        raise InputError(f"setup knows no mode {mode!r}; there is {', '.join(PROFILES)}")
    return found
