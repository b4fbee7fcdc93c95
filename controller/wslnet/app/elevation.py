"""Where a run's rights come from: the session's own, one prompt for an elevated bridge, or nowhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet.engine.elevation import demand_rights, lacking_rights
from wslnet.transport.connections import Connections

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from wslnet.engine.fleet import Fleet
    from wslnet.model.change import Change
    from wslnet.model.snapshot import Snapshot


def obtain_rights(
    fleet: Fleet,
    snapshot: Snapshot,
    changes: Sequence[Change],
    plan: Mapping[str, object],
    *,
    attended: bool,
) -> None:
    """Sees that the changes of Windows can be made; asks for it where somebody sits at this Windows.

    Args:
        fleet: Its connection to Windows gets the elevated part.
        snapshot: Says which rights the session has.
        changes: What is to be done, or undone.
        plan: The document that was shown; nothing else will be done with those rights.
        attended: Whether somebody can answer a prompt.

    Raises:
        NeedsElevation: there are no such rights, or the prompt was declined; nothing was changed.
    """
    machine = snapshot.inventory.windows
    here = machine is not None and machine.address is None
    if machine is None or not here or not attended or not isinstance(fleet, Connections):
        demand_rights(snapshot, changes)
    elif lacking_rights(snapshot, changes):
        fleet.elevate(machine.name, plan)
