"""The Linux half of `wslnet boot install`: which machines, what is installed on each, and that it begins."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from wslnet.errors import WslnetError
from wslnet.model.change import Op
from wslnet.model.machine import Kind
from wslnet.profiles.persistence import kept, persisters
from wslnet.profiles.table import PROFILES

if TYPE_CHECKING:
    from wslnet.engine.fleet import Fleet
    from wslnet.model.change import Resource
    from wslnet.model.machine import Inventory
    from wslnet.model.plan import Plan
    from wslnet.model.snapshot import Snapshot

_START_DEADLINE_S = 30.0


def linux_machines(inventory: Inventory) -> tuple[str, ...]:
    """The machines that can put things back by themselves."""
    return tuple(one.name for one in inventory.machines.values() if one.kind in {Kind.WSL, Kind.VM})


def persistent_part(snapshot: Snapshot, machine: str) -> tuple[Resource, ...]:
    """What is installed on a machine, and that what stands there now is put back from here on."""
    profile = PROFILES.get(snapshot.mode or "")
    behind = profile.behind(snapshot) if profile is not None else ()
    mine = tuple(one for one in behind if one.machine == machine)
    owned = kept(snapshot, mine, only_true=True)
    return (*persisters(snapshot, machine), *(replace(one, volatile=False) for one in owned))


def let_begin(fleet: Fleet, plan: Plan) -> tuple[str, ...]:
    """Let what was installed begin without a restart of the machine; gives what does not, in words."""
    notes = []
    for machine in dict.fromkeys(one.machine for one in plan.changes if one.do.verb.startswith("file.")):
        try:
            (done,) = fleet.execute(machine, [Op("resident.start")], deadline_s=_START_DEADLINE_S)
            problem = done.message
        except WslnetError as error:
            problem = error.message
        if problem:
            notes.append(f"{machine}: wslnet-agent begins with the machine's next start: {problem}")
    return tuple(notes)
