"""Whether a plan may be begun at all: what needs an administrator and has none is refused beforehand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet.errors import NeedsElevation
from wslnet.model.warrant import PRIVILEGED

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wslnet.model.change import Change
    from wslnet.model.snapshot import Snapshot


def demand_rights(snapshot: Snapshot, changes: Iterable[Change]) -> None:
    """Refuses changes of Windows for which the session's rights do not suffice.

    A Windows that does not say which rights the session has is given the benefit of the doubt.

    Raises:
        NeedsElevation: names the first such change.
    """
    machine = snapshot.inventory.windows
    for change in lacking_rights(snapshot, changes):
        here = machine is None or machine.address is None
        who = "this terminal" if here else f"{machine.user if machine is not None else None}"
        raise NeedsElevation(
            f"{change.machine}: {change.resource} needs an administrator, and {who} has no such "
            "rights here; nothing was changed",
            machine=change.machine,
            hint="run it in an elevated terminal"
            if here
            else "sign in as an administrator (machines.windows.user)",
        )


def lacking_rights(snapshot: Snapshot, changes: Iterable[Change]) -> tuple[Change, ...]:
    """The changes of Windows for which the rights of the session do not suffice; none when it has them."""
    windows, machine = snapshot.windows, snapshot.inventory.windows
    if windows is None or machine is None or windows.elevated is not False:
        return ()
    return tuple(one for one in changes if one.machine == machine.name and _needs_administrator(one))


def _needs_administrator(change: Change) -> bool:
    """A restart of WSL does not, unless WSL is updated in it: that is an installation."""
    return change.do.verb in PRIVILEGED or change.do.args.get("update") is not None
