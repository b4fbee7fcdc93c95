"""`wslnet topo`: the live topology. Reads only; a machine that cannot be seen is drawn from its parent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet.engine.draw import draw, graph_needs
from wslnet.engine.gather import gather

if TYPE_CHECKING:
    from collections.abc import Callable

    from wslnet.engine.fleet import Fleet
    from wslnet.engine.graph import Graph


def live_graph(fleet: Fleet, say: Callable[[str, str], None]) -> Graph:
    """The graph of what is there now."""
    return draw(gather(fleet, graph_needs(fleet.inventory), say=say))
