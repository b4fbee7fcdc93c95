"""Why a command cannot go on without a machine that was not seen, and what the user can do. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet.errors import Unreachable
from wslnet.model.machine import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wslnet.errors import WslnetError
    from wslnet.model.snapshot import Snapshot


def demand_seen(snapshot: Snapshot, lacking: Iterable[str] = ()) -> None:
    """Refuses a snapshot without a machine that must be in it.

    Args:
        snapshot: All of its machines are needed.
        lacking: But for these VMs: behind a restart, those that were not there before it.

    Raises:
        WslnetError: that of the first one that is missing.
    """
    vms = {one.name for one in snapshot.inventory.of_kind(Kind.VM)}
    spared = vms.intersection(lacking)
    for name, unseen in snapshot.unseen.items():
        if name not in spared:
            raise unseen.error(name)


def first_unseen(snapshot: Snapshot) -> WslnetError | None:
    """The error for the machine nearest to Windows that was not seen; None when all were.

    What hangs on it was not seen because of it. A VM that its host knows as shut off is told so: right after
    a reboot nobody has started it yet.
    """
    inventory = snapshot.inventory
    name = min(snapshot.unseen, key=inventory.depth, default=None)
    if name is None:
        return None
    error = snapshot.unseen[name].error(name)
    parent = inventory[name].parent
    host = snapshot.linux(parent) if parent is not None else None
    domain = next((one for one in (host.domains if host else None) or () if one.name == name), None)
    if domain is not None and not domain.running:
        return Unreachable(
            f"{name}: it is {domain.state} in {parent}",
            machine=name,
            hint=f"start it there: virsh start {name}; or do without it: wslnet vm forget {name}",
        )
    if error.hint is None and host is not None:
        error.hint = f"wslnet doctor --machine {name} says what is in the way"
    return error
