"""What the mode of before needed, and the new one does not: Hyper-V rules, keys, what is kept up.

Only what wslnet made, known by its name or by the wish; and the keys of `.wslconfig` that WSL heeds in
bridged mode only. Foreign port proxies that lose their use are told, not touched; those of
published ports are `wslnet.profiles.forwards`' part.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from wslnet.model.allow import Allow
from wslnet.model.grant import OWN_PREFIX
from wslnet.profiles import bridged_mode, mirrored, nat
from wslnet.profiles.forwards import linux_resources
from wslnet.profiles.nat_forwards import PURPOSE, published_rules
from wslnet.resources.hyperv_rule import HyperVAllowRule
from wslnet.resources.kept_thing import KeptThing
from wslnet.resources.port_holder import PortHolder
from wslnet.resources.wslconfig_keys import WslConfigKeys, value_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from wslnet.model.change import Resource
    from wslnet.model.snapshot import Snapshot
    from wslnet.model.windows_facts import WindowsFacts

_ROWS = ("S3-02",)
_NEEDED = {mirrored.MODE: ("allow", PURPOSE), nat.MODE: ("reach-",)}
"""By mode, how the purposes of its Hyper-V rules begin: they stand in the rules' names."""


def without_left_behind(
    snapshot: Snapshot, mode: str, wanted: Iterable[Resource]
) -> tuple[tuple[Resource, ...], tuple[str, ...]]:
    """`wanted` and that nothing is left of the mode that WSL runs in, and what the user should know of it.

    The change of `.wslconfig` stays one, so that the file is written once.
    """
    resources = tuple(wanted)
    windows, machine = snapshot.windows, snapshot.inventory.windows
    if windows is None or machine is None:
        return resources, ()
    dead = () if mode == bridged_mode.MODE else tuple(_dead_keys(windows))
    if dead:
        keys = next((one for one in resources if isinstance(one, WslConfigKeys)), None)
        values, why, rows = (keys.values, keys.why, keys.rows) if keys is not None else ({}, _why(mode), ())
        without: Resource = WslConfigKeys(machine.name, values, why, rows=(*rows, *_ROWS), gone=dead)
        resources = (without, *(one for one in resources if one is not keys))
    if snapshot.mode in {None, mode}:
        return resources, ()
    declared = {(one.machine, one.name) for one in resources}
    rules = _rules(snapshot, windows, machine.name, mode)
    removed = tuple(one for one in rules if (one.machine, one.name) not in declared)
    return (*removed, *resources), tuple(_useless(snapshot, windows, mode))


def kept_no_more(
    snapshot: Snapshot, before: str | None, mode: str, wanted: Iterable[Resource]
) -> tuple[Resource, ...]:
    """That wslnet-agent puts nothing back in WSL that only the mode of `before` had for published ports."""
    wsl = snapshot.inventory.wsl
    facts = snapshot.linux(wsl.name) if wsl is not None else None
    if wsl is None or facts is None or facts.owned is None or before in {None, mode}:
        return ()
    declared = {one.name for one in wanted if one.machine == wsl.name}
    old = {
        one.name: one
        for one in linux_resources(snapshot, before or "", snapshot.inventory.wish.forward)
        if one.machine == wsl.name and one.name not in declared
    }
    kept = [one.name for one in facts.owned.items if one.do is not None and one.name in old]
    held = [replace(one, present=False) for one in old.values() if isinstance(one, PortHolder)]
    return (*held, *(KeptThing(wsl.name, name, None, _why(mode), _ROWS) for name in kept))


def _why(mode: str) -> str:
    return f"it has no use in {mode} mode"


def _dead_keys(windows: WindowsFacts) -> Iterator[str]:
    return (key for key in bridged_mode.KEYS if value_in(windows.wslconfig, key) is not None)


def _rules(snapshot: Snapshot, windows: WindowsFacts, machine: str, mode: str) -> Iterator[HyperVAllowRule]:
    purposes = _NEEDED.get(snapshot.mode or "", ())
    firewall = windows.hyperv_firewall
    for rule in firewall.rules if firewall is not None else ():
        words = rule.name.removeprefix(OWN_PREFIX).rsplit("-", 2)
        if not rule.name.startswith(OWN_PREFIX) or len(words) < len(("purpose", "proto", "port")):
            continue
        purpose, proto, port = words
        if purpose.startswith(purposes) and port.isdecimal():
            allow = Allow(proto, int(port))
            yield HyperVAllowRule(
                machine, allow, (), (), _why(mode), rows=_ROWS, purpose=purpose, present=False
            )


def _useless(snapshot: Snapshot, windows: WindowsFacts, mode: str) -> Iterator[str]:
    """Others' port proxies to the address that WSL has in NAT mode: it has it no more."""
    address = windows.wsl.address if windows.wsl is not None else None
    if snapshot.mode != nat.MODE or address is None:
        return
    mine = [rule for one in snapshot.inventory.wish.forward for rule in published_rules(snapshot, one)]
    for rule in windows.portproxy or ():
        if rule.connect_address == address and rule not in mine:
            listener = f"{rule.listen_address}:{rule.listen_port}"
            yield (
                f"portproxy {listener} leads to {address}, which WSL has in NAT mode only: in {mode} mode it "
                f"leads nowhere and keeps the port; it is not wslnet's and stays (wslnet forward prune)"
            )
