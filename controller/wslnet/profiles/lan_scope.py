"""What `@lan` stands for now: prefixes, and the profiles in which they may come in (spec/cli.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet.errors import PlanRefused
from wslnet.model.topology import lan_prefixes, uplinks

if TYPE_CHECKING:
    from wslnet.model.snapshot import Snapshot

_PROFILES = ("Private", "Domain")


def lan_scope(snapshot: Snapshot, what: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The on-link prefixes of the LAN and the profiles; `what` names in an error what asked for them.

    Raises:
        PlanRefused: there is no LAN, or its network is public.
    """
    windows = snapshot.windows
    indices = uplinks(snapshot)
    for profile in (windows.profiles if windows is not None else None) or ():
        if profile.index in indices[:1] and profile.category == "Public":
            raise PlanRefused(
                f"{what}: the network on {profile.alias} is Public; if it is yours, make it private first: "
                f"Set-NetConnectionProfile -InterfaceIndex {profile.index} -NetworkCategory Private"
            )
    prefixes = lan_prefixes(snapshot)
    if not prefixes:
        machine = snapshot.inventory.windows
        raise PlanRefused(
            f"{what}: Windows has no adapter with a default gateway, so there is no LAN to allow",
            machine=machine.name if machine is not None else None,
        )
    return prefixes, _PROFILES
