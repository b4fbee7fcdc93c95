"""Bridged mode as resources: the keys in `.wslconfig`, the nested part. WSL then is a machine of the LAN.

It needs an External Hyper-V switch, which wslnet does not make: that cuts Windows' own network for a moment.
Microsoft has called the mode deprecated since WSL 2.4.5 (wsl-facts 1.3).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet.errors import InputError, Unsupported
from wslnet.model.vm_switches import external_switches
from wslnet.profiles.modes import RECOMMENDED
from wslnet.profiles.nested import nested_resources
from wslnet.resources.wslconfig_keys import WslConfigKeys, value_in

if TYPE_CHECKING:
    from wslnet.model.change import Resource
    from wslnet.model.snapshot import Snapshot
    from wslnet.model.windows_facts import WindowsFacts
    from wslnet.profiles.modes import SetupOptions

MODE = "bridged"
SWITCH_KEY = "wsl2.vmSwitch"
KEYS = (SWITCH_KEY, "wsl2.macAddress", "wsl2.dhcp", "wsl2.dhcpTimeout", "wsl2.ipv6")
"""Keys of `.wslconfig` that WSL heeds in this mode only (wsl-facts 1.3)."""

_ROWS = ("S1-24",)


def bridged_resources(snapshot: Snapshot, options: SetupOptions) -> tuple[Resource, ...]:
    """All resources of `setup --bridged`, persistent ones first.

    Raises:
        InputError: the inventory has no Windows host, an option belongs to another mode, or several switches
            would do and none was named.
        Unsupported: there is no External switch, or published ports are wished for.
    """
    machine, windows = snapshot.inventory.windows, snapshot.windows
    if machine is None or windows is None:
        raise InputError(f"{snapshot.inventory.path}: no machine of kind windows; setup needs one")
    _refuse_other_mode(snapshot, options)
    keys = {"wsl2.networkingMode": MODE, SWITCH_KEY: _switch(machine.name, windows, options.vm_switch)}
    keys |= RECOMMENDED if options.recommended else {}
    wanted = WslConfigKeys(machine.name, keys, "bridged mode is what was asked for", rows=_ROWS)
    return (wanted, *volatile_resources(snapshot))


def volatile_resources(snapshot: Snapshot) -> tuple[Resource, ...]:
    """What must be put in place after each start of WSL."""
    return nested_resources(snapshot)


def _refuse_other_mode(snapshot: Snapshot, options: SetupOptions) -> None:
    if options.host_loopback:
        raise InputError("--host-loopback: hostAddressLoopback has an effect in mirrored mode only")
    if options.allow or options.open_all:
        named = ", ".join(["--open-all"] * options.open_all + [f"--allow {one}" for one in options.allow])
        raise InputError(
            f"{named}: in bridged mode WSL is a machine of the LAN; no firewall of Windows stands before it"
        )
    for one in snapshot.inventory.wish.forward:
        raise Unsupported(
            f"{one}: in bridged mode WSL's ports are on the LAN by themselves, and Windows publishes none",
            hint="wslnet forward remove, or --mirrored",
        )


def _switch(machine: str, windows: WindowsFacts, named: str | None) -> str:
    """The name of the switch: the user's, the one in `.wslconfig`, the only one there is.

    One that was named and that Windows has no adapter on is believed: WSL itself will say.
    """
    found = tuple(one.name for one in external_switches(windows))
    kept = named or value_in(windows.wslconfig, SWITCH_KEY)
    running = windows.wsl is not None and windows.wsl.mode == MODE
    if kept is not None and (named is not None or running or kept in found):
        return kept
    if not found:
        raise Unsupported(
            f"{machine}: bridged mode needs an External Hyper-V switch; there is none{_why_none(windows)}",
            machine=machine,
            hint="wslnet setup --mirrored gives WSL Windows' own addresses on the LAN without a switch",
        )
    if len(found) > 1:
        raise InputError(
            f"{machine}: there are several External switches: {', '.join(found)}; name one: --vm-switch NAME",
            machine=machine,
        )
    return found[0]


def _why_none(windows: WindowsFacts) -> str:
    if windows.os is not None and windows.os.is_home:
        return f": Windows Home ({windows.os.edition}) has no Hyper-V Manager, which makes them"
    return " (make one in Hyper-V Manager: Virtual Switch Manager, External, shared with Windows)"
