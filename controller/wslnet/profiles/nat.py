"""NAT mode as resources: the key in `.wslconfig` if needed, forwarding between switches, the nested part.

Mirrored mode's own keys stay: they have no effect here. Publishing a port to the LAN is not this profile's
work (`wslnet forward`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet.errors import InputError
from wslnet.model.allow import Allow
from wslnet.model.machine import Kind
from wslnet.model.topology import behind_switch
from wslnet.profiles.forwarding import is_wsl, switch_resources
from wslnet.profiles.forwards import linux_resources, windows_resources
from wslnet.profiles.modes import RECOMMENDED
from wslnet.profiles.nested import nested_resources
from wslnet.resources.hyperv_rule import HyperVAllowRule
from wslnet.resources.hyperv_setting import HyperVDefaultInbound
from wslnet.resources.interface_forwarding import InterfaceForwarding
from wslnet.resources.wslconfig_keys import WslConfigKeys, value_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wslnet.model.change import Resource
    from wslnet.model.snapshot import Snapshot
    from wslnet.model.windows_facts import WindowsFacts
    from wslnet.profiles.modes import SetupOptions

MODE = "nat"
_MODE_KEY = "wsl2.networkingMode"
_SSH_PORT = 22
_GUARDED, _UNGUARDED = "vEthernet (WSL (Hyper-V firewall))", "vEthernet (WSL)"
_FALSE = frozenset({"0", "false"})


def nat_resources(snapshot: Snapshot, options: SetupOptions) -> tuple[Resource, ...]:
    """All resources of `setup --nat`, persistent ones first.

    Raises:
        InputError: the inventory has no Windows host, or an option belongs to mirrored mode.
    """
    machine, windows = snapshot.inventory.windows, snapshot.windows
    if machine is None or windows is None:
        raise InputError(f"{snapshot.inventory.path}: no machine of kind windows; setup needs one")
    _refuse_other_mode(options)
    persistent: list[Resource] = []
    keys = _keys(snapshot, windows, options)
    if keys:
        persistent.append(WslConfigKeys(machine.name, keys, "NAT mode is what was asked for"))
    persistent += reach_rules(snapshot)
    if options.open_all:
        persistent.append(HyperVDefaultInbound(machine.name, "Allow", "--open-all was given"))
    return (*persistent, *volatile_resources(snapshot), *_forecast(machine.name, windows))


def volatile_resources(snapshot: Snapshot) -> tuple[Resource, ...]:
    """What must be put in place after each start of WSL; Windows' flags go only with a boot of Windows.

    Published ports follow WSL's address.

    Raises:
        PlanRefused: a port is published to the LAN, and there is none or it is public.
    """
    wished = snapshot.inventory.wish.forward
    published = (*windows_resources(snapshot, MODE, wished), *linux_resources(snapshot, MODE, wished))
    return (*nested_resources(snapshot), *published, *switch_resources(snapshot, beside_wsl=False))


def _refuse_other_mode(options: SetupOptions) -> None:
    if options.host_loopback:
        raise InputError("--host-loopback: hostAddressLoopback has an effect in mirrored mode only")
    if options.allow:
        named = ", ".join(str(allow) for allow in options.allow)
        raise InputError(
            f"--allow {named}: in NAT mode the LAN does not reach WSL's ports by a firewall rule; publish "
            "them with `wslnet forward add`, or use --mirrored"
        )


def _keys(snapshot: Snapshot, windows: WindowsFacts, options: SetupOptions) -> dict[str, str]:
    """The keys to declare: no mode where NAT is what WSL takes by itself."""
    by_default = value_in(windows.wslconfig, _MODE_KEY) is None and snapshot.mode == MODE
    keys = {} if by_default else {_MODE_KEY: MODE}
    return keys | RECOMMENDED if options.recommended else keys


def reach_rules(snapshot: Snapshot) -> tuple[HyperVAllowRule, ...]:
    """SSH into WSL for the wished peers on a switch: what is routed there meets the Hyper-V firewall.

    ICMP is let in by WSL's own rules (wsl-facts 2.3). None where there is no such firewall.
    """
    windows, machine, wsl = snapshot.windows, snapshot.inventory.windows, snapshot.inventory.wsl
    firewall = windows.hyperv_firewall if windows is not None else None
    if firewall is None or not firewall.supported or machine is None or wsl is None:
        return ()
    allow = Allow("tcp", wsl.port or _SSH_PORT)
    sources = [
        snapshot.inventory[source] for source, target in snapshot.inventory.wish.reach if target == wsl.name
    ]
    return tuple(
        HyperVAllowRule(
            machine.name,
            allow,
            (peer.address,),
            (),
            f"so that {peer.name} reaches {wsl.name} by SSH",
            purpose=f"reach-{peer.name}",
        )
        for peer in dict.fromkeys(sources)
        if peer.kind is Kind.PEER and peer.address is not None and behind_switch(snapshot, peer.address)
    )


def _forecast(machine: str, windows: WindowsFacts) -> Iterator[InterfaceForwarding]:
    """WSL's adapter where this boot of Windows has none yet: NAT's first start makes it (wsl-facts 2.4)."""
    if any(is_wsl(one) for one in windows.interfaces or ()):
        return
    firewall = windows.hyperv_firewall
    asked = (value_in(windows.wslconfig, "wsl2.firewall") or "").lower()
    guarded = firewall is not None and firewall.supported and asked not in _FALSE
    alias = _GUARDED if guarded else _UNGUARDED
    yield InterfaceForwarding(machine, None, alias, f"{alias} is made without it at WSL's first NAT start")
