"""TCP ports that Windows keeps from every program (wsl-facts 6, no. 26). Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wslnet.model.windows_facts import WindowsFacts


def range_given_away(windows: WindowsFacts, port: int) -> str | None:
    """The range with that port, such as `2150-2249`; what an administrator excluded can be asked for.

    None: it is in none, or Windows did not tell. In mirrored mode WSL itself holds ports by such ranges.
    """
    for one in windows.port_ranges or ():
        for block in one.excluded or ():
            if one.proto == "tcp" and not block.administered and block.first <= port <= block.last:
                return f"{block.first}-{block.last}"
    return None
