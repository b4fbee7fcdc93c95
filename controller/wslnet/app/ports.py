"""`wslnet ports`: who listens where, on Windows and in WSL. Reads only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet.engine.gather import gather
from wslnet.engine.port_table import port_needs, port_table

if TYPE_CHECKING:
    from collections.abc import Callable

    from wslnet.engine.fleet import Fleet
    from wslnet.engine.port_table import PortTable


def live_ports(fleet: Fleet, say: Callable[[str, str], None]) -> PortTable:
    """The table of what is there now; a side that cannot be seen is named in it."""
    return port_table(gather(fleet, port_needs(fleet.inventory), say=say))
