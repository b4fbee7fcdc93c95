"""Whether a plan may be begun at all: what needs an administrator and has none is refused beforehand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet.errors import NeedsElevation

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wslnet.model.change import Change
    from wslnet.model.snapshot import Snapshot

_ADMINISTRATORS = frozenset(
    {
        "boot_data.remove",
        "boot_data.write",
        "endpoint.install",
        "endpoint.remove",
        "forwarding.set",
        "hyperv_rule.create",
        "hyperv_rule.remove",
        "hyperv_setting.set",
        "nat_range.set",
        "portproxy.remove",
        "portproxy.set",
        "relay.put",
        "relay.remove",
        "task.register",
        "task.unregister",
    }
)
"""Verbs of the Windows agent that Windows refuses to others (`Windows System Error 5`, windows-facts 1.3)."""


def demand_rights(snapshot: Snapshot, changes: Iterable[Change]) -> None:
    """Refuses changes of Windows for which the session's rights do not suffice.

    A Windows that does not say which rights the session has is given the benefit of the doubt.

    Raises:
        NeedsElevation: names the first such change.
    """
    windows, machine = snapshot.windows, snapshot.inventory.windows
    if windows is None or machine is None or windows.elevated is not False:
        return
    needing = (one for one in changes if one.machine == machine.name and _needs_administrator(one))
    for change in needing:
        raise NeedsElevation(
            f"{machine.name}: {change.resource} needs an administrator, and {machine.user} has no such "
            "rights here; nothing was changed",
            machine=machine.name,
            hint="sign in as an administrator (machines.windows.user)",
        )


def _needs_administrator(change: Change) -> bool:
    """A restart of WSL does not, unless WSL is updated in it: that is an installation."""
    return change.do.verb in _ADMINISTRATORS or change.do.args.get("update") is not None
