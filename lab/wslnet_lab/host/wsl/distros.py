"""The distributions that one user has, out of the registry (wsl-facts 2.4); another SID has its own list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wslnet_lab.host.state import MachineState

LXSS = r"HKCU:\Software\Microsoft\Windows\CurrentVersion\Lxss"


@dataclass(frozen=True, slots=True)
class Registered:
    """One registered distribution."""

    name: str
    version: int
    default: bool
    default_uid: int


def registered(state: MachineState, sid: str) -> tuple[Registered, ...]:
    """The distributions of the user with this SID, the default one first as `wsl -l` has it."""
    first = str(state.registry.get(LXSS, "DefaultDistribution", sid) or "")
    found = []
    for guid in state.registry.subkeys(LXSS, sid):
        values = {name: value.data for name, value in state.registry.values(rf"{LXSS}\{guid}", sid).items()}
        if "DistributionName" in values:
            found.append(
                Registered(
                    name=str(values["DistributionName"]),
                    version=_number(values.get("Version"), 2),
                    default=guid.lower() == first.lower(),
                    default_uid=_number(values.get("DefaultUid"), 0),
                )
            )
    return tuple(sorted(found, key=lambda distro: not distro.default))


def _number(data: object, default: int) -> int:
    return data if isinstance(data, int) else default
