"""`wslnet matrix`: who reaches whom, measured, every machine in both directions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet.engine.gather import gather
from wslnet.engine.probes import measure
from wslnet.model.machine import Kind
from wslnet.model.reach import all_probes

if TYPE_CHECKING:
    from collections.abc import Callable

    from wslnet.engine.fleet import Fleet
    from wslnet.model.probe import Measured
    from wslnet.model.snapshot import Snapshot

_WINDOWS_NEEDS = frozenset({"addresses", "routes", "wsl"})
_LINUX_NEEDS = frozenset({"addresses", "routes", "wsl"})


def measure_matrix(
    fleet: Fleet, say: Callable[[str, str], None] | None = None
) -> tuple[Snapshot, tuple[Measured, ...]]:
    """Gathers just what addresses need, then probes all pairs once; `say` is told of each machine."""
    needs = {
        name: _WINDOWS_NEEDS if machine.kind is Kind.WINDOWS else _LINUX_NEEDS
        for name, machine in fleet.inventory.machines.items()
        if machine.kind is not Kind.PEER
    }
    snapshot = gather(fleet, needs, say=say)
    return snapshot, measure(fleet, all_probes(snapshot))
