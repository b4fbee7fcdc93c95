"""Mirrored mode as resources: the key in `.wslconfig`, the Hyper-V rules, the nested part.

The first two are persistent and stand before the WSL restart; the nested part is computed again behind it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet.errors import InputError, PlanRefused
from wslnet.model.topology import lan_prefixes, uplinks
from wslnet.profiles.forwarding import switch_resources
from wslnet.profiles.modes import RECOMMENDED
from wslnet.profiles.nested import nested_resources
from wslnet.resources.hyperv_rule import HyperVAllowRule
from wslnet.resources.hyperv_setting import HyperVDefaultInbound
from wslnet.resources.wslconfig_keys import WslConfigKeys

if TYPE_CHECKING:
    from wslnet.model.allow import Allow
    from wslnet.model.change import Resource
    from wslnet.model.snapshot import Snapshot
    from wslnet.profiles.modes import SetupOptions

MODE = "mirrored"
_LAN_PROFILES = ("Private", "Domain")


def mirrored_resources(snapshot: Snapshot, options: SetupOptions) -> tuple[Resource, ...]:
    """All resources of `setup --mirrored`, persistent ones first.

    Raises:
        InputError: the inventory has no Windows host.
        PlanRefused: `@lan` was asked for and no private network is there.
    """
    windows = snapshot.inventory.windows
    if windows is None:
        raise InputError(f"{snapshot.inventory.path}: no machine of kind windows; setup needs one")
    persistent: list[Resource] = [
        WslConfigKeys(windows.name, _keys(options), "mirrored mode is what was asked for")
    ]
    persistent += [_rule(snapshot, windows.name, allow) for allow in options.allow]
    if options.open_all:
        persistent.append(HyperVDefaultInbound(windows.name, "Allow", "--open-all was given"))
    return (*persistent, *volatile_resources(snapshot))


def volatile_resources(snapshot: Snapshot) -> tuple[Resource, ...]:
    """What must be put in place after each start of WSL.

    WSL's packets pass no `vEthernet (WSL)` in this mode (wsl-facts 9): only other switches shall forward.
    """
    return (*nested_resources(snapshot), *switch_resources(snapshot, beside_wsl=True))


def _keys(options: SetupOptions) -> dict[str, str]:
    keys = {"wsl2.networkingMode": MODE}
    if options.host_loopback:
        keys["experimental.hostAddressLoopback"] = "true"
    if options.recommended:
        keys |= RECOMMENDED
    return keys


def _rule(snapshot: Snapshot, windows: str, allow: Allow) -> HyperVAllowRule:
    if allow.scope is None:
        return HyperVAllowRule(windows, allow, (), (), f"--allow {allow}: any source")
    _refuse_public(snapshot, allow)
    prefixes = lan_prefixes(snapshot)
    if not prefixes:
        raise PlanRefused(
            f"--allow {allow}: Windows has no adapter with a default gateway, so there is no LAN to allow",
            machine=windows,
        )
    why = f"--allow {allow}: the LAN is {', '.join(prefixes)}"
    return HyperVAllowRule(windows, allow, prefixes, _LAN_PROFILES, why)


def _refuse_public(snapshot: Snapshot, allow: Allow) -> None:
    windows = snapshot.windows
    indices = uplinks(snapshot)
    for profile in (windows.profiles if windows is not None else None) or ():
        if profile.index in indices[:1] and profile.category == "Public":
            raise PlanRefused(
                f"--allow {allow}: the network on {profile.alias} is Public; if it is yours, make it private "
                f"first: Set-NetConnectionProfile -InterfaceIndex {profile.index} -NetworkCategory Private"
            )
