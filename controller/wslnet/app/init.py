"""`wslnet init`: finds the distro and all VMs below it, level by level, and makes an inventory of them.

Looks only: nothing is started unless `wake` is given, and nothing on any machine is changed. On first contact
the host keys of what is found are pinned, in the state folder of the inventory that is written.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from wslnet.app.doctor import wake_wsl
from wslnet.app.inventory_file import default_state
from wslnet.app.inventory_text import extended, whole
from wslnet.engine.discover import LINUX_NEEDS, WINDOWS_NEEDS, Found, distro_of, vms_in
from wslnet.engine.gather import gather
from wslnet.errors import InputError, Unsupported
from wslnet.model.machine import Inventory, Kind, Machine

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path

    from wslnet.engine.fleet import Fleet

    Open = Callable[[Inventory], AbstractContextManager[Fleet]]
    Say = Callable[[str, str], None]

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Discovery:
    """What was found: the inventory with it, the new machines, why one does not answer, what is missing."""

    inventory: Inventory
    found: tuple[Found, ...] = ()
    silent: dict[str, str] = field(default_factory=dict)
    missing: tuple[str, ...] = ()

    def to_json(self, *, written: bool) -> dict[str, object]:
        """The document of `init --json`."""
        new = {one.machine.name: one.how for one in self.found}
        return {
            "schema_version": SCHEMA_VERSION,
            "inventory": str(self.inventory.path),
            "written": written,
            "machines": [
                {
                    "name": one.name,
                    "kind": str(one.kind),
                    "parent": one.parent,
                    "address": one.address,
                    "distro": one.distro,
                    "found": new.get(one.name),
                    "silent": self.silent.get(one.name),
                }
                for one in self.inventory.machines.values()
            ],
            "missing": list(self.missing),
        }


def discover(
    base: Inventory, open_fleet: Open, say: Say, *, key: Path | None = None, wake: bool = False
) -> Discovery:
    """Everything below the Windows host of `base`; `key` enters what is found.

    Raises:
        Unreachable: Windows cannot be seen.
        Unsupported: there is no WSL, or no distro of WSL 2.
    """
    if base.windows is None:
        raise InputError(f"{base.path}: init needs a machine of kind windows to begin with")
    result = _with_wsl(base, open_fleet, say, key=key, wake=wake)
    looked: set[str] = set()
    while True:
        todo = [one.name for one in result.inventory.machines.values() if one.kind in {Kind.WSL, Kind.VM}]
        todo = [name for name in todo if name not in looked]
        if not todo:
            return result
        looked.update(todo)
        result = _below(result, todo, open_fleet, say)


def _with_wsl(base: Inventory, open_fleet: Open, say: Say, *, key: Path | None, wake: bool) -> Discovery:
    """The base with its `wsl` machine, found through Windows if it is new."""
    windows = base.windows
    if windows is None:
        return Discovery(base)
    with open_fleet(base) as fleet:
        snapshot = gather(fleet, {windows.name: WINDOWS_NEEDS}, say=say)
    if windows.name in snapshot.unseen:
        raise snapshot.unseen[windows.name].error(windows.name)
    found: tuple[Found, ...] = ()
    inventory = base
    if base.wsl is None:
        distro = distro_of(snapshot.windows) if snapshot.windows is not None else None
        if distro is None:
            raise Unsupported(f"{windows.name}: there is no distro of WSL 2", hint="wsl --install Debian")
        name = "wsl" if "wsl" not in base.machines else "wsl-vm"
        machine = Machine(name, Kind.WSL, parent=windows.name, user="root", key=key, distro=distro.name)
        found = (Found(machine, f"distro {distro.name}, {distro.state}"),)
        inventory = _added(base, (machine,))
    if wake:
        with open_fleet(inventory) as fleet:
            wake_wsl(fleet)
    return Discovery(inventory, found)


def _below(result: Discovery, names: list[str], open_fleet: Open, say: Say) -> Discovery:
    """Looks into some machines: who of them answers, and which VMs run in them."""
    with open_fleet(result.inventory) as fleet:
        snapshot = gather(fleet, dict.fromkeys(names, LINUX_NEEDS), say=say)
    silent = result.silent | {name: unseen.reason for name, unseen in snapshot.unseen.items()}
    found, missing, inventory = list(result.found), list(result.missing), result.inventory
    for name in names:
        facts = snapshot.linux(name)
        if facts is not None:
            new, without = vms_in(inventory, name, facts)
            found += new
            missing += without
            inventory = _added(inventory, tuple(one.machine for one in new))
    return Discovery(inventory, tuple(found), silent, tuple(missing))


def _added(inventory: Inventory, machines: tuple[Machine, ...]) -> Inventory:
    return replace(inventory, machines={**inventory.machines, **{one.name: one for one in machines}})


def text_of(discovery: Discovery, base_text: str | None) -> str:
    """The file's new text: tables added to `base_text`, or all of it anew when there is none."""
    notes = {one.machine.name: f"Found: {one.how}." for one in discovery.found}
    for name, reason in discovery.silent.items():
        if name in notes:
            notes[name] += f" It does not answer yet: {reason}"
    if base_text is not None:
        return extended(base_text, [one.machine for one in discovery.found], notes)
    own = discovery.inventory.state
    return whole(discovery.inventory, notes, None if own == default_state(discovery.inventory.path) else own)
