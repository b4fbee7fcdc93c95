"""Mirrored mode as resources: the key in `.wslconfig`, the Hyper-V rules, the nested part.

The first two are persistent and stand before the WSL restart; the nested part is computed again behind it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet.errors import InputError
from wslnet.model.grant import Grant
from wslnet.profiles.firewall import allow_rule, refuse_managed
from wslnet.profiles.forwarding import switch_resources
from wslnet.profiles.forwards import linux_resources, windows_resources
from wslnet.profiles.modes import RECOMMENDED
from wslnet.profiles.nested import nested_resources
from wslnet.resources.hyperv_setting import HyperVDefaultInbound
from wslnet.resources.wslconfig_keys import WslConfigKeys

if TYPE_CHECKING:
    from wslnet.model.change import Resource
    from wslnet.model.snapshot import Snapshot
    from wslnet.profiles.modes import SetupOptions

MODE = "mirrored"


def mirrored_resources(snapshot: Snapshot, options: SetupOptions) -> tuple[Resource, ...]:
    """All resources of `setup --mirrored`, persistent ones first.

    Raises:
        InputError: the inventory has no Windows host.
        PlanRefused: `@lan` was asked for and no private network is there.
        Unsupported: a policy keeps rules of this PC from having an effect.
    """
    windows = snapshot.inventory.windows
    if windows is None:
        raise InputError(f"{snapshot.inventory.path}: no machine of kind windows; setup needs one")
    persistent: list[Resource] = [
        WslConfigKeys(windows.name, _keys(options), "mirrored mode is what was asked for")
    ]
    if options.allow:
        refuse_managed(snapshot)
    persistent += [allow_rule(snapshot, windows.name, Grant(allow)) for allow in options.allow]
    persistent += windows_resources(snapshot, MODE, snapshot.inventory.wish.forward)
    if options.open_all:
        persistent.append(HyperVDefaultInbound(windows.name, "Allow", "--open-all was given"))
    return (*persistent, *volatile_resources(snapshot))


def volatile_resources(snapshot: Snapshot) -> tuple[Resource, ...]:
    """What must be put in place after each start of WSL.

    WSL's packets pass no `vEthernet (WSL)` in this mode (wsl-facts 9): only other switches shall forward.
    """
    published = linux_resources(snapshot, MODE, snapshot.inventory.wish.forward)
    return (*nested_resources(snapshot), *published, *switch_resources(snapshot, beside_wsl=True))


def _keys(options: SetupOptions) -> dict[str, str]:
    keys = {"wsl2.networkingMode": MODE}
    if options.host_loopback:
        keys["experimental.hostAddressLoopback"] = "true"
    if options.recommended:
        keys |= RECOMMENDED
    return keys
