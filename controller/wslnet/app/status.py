"""`wslnet status`: gathers what the picture needs and draws it. Reads only; a stopped WSL stays stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet.app.doctor import wake_wsl
from wslnet.checks.parts.wslconfig import MODE_KEY, config_of
from wslnet.engine.gather import gather
from wslnet.engine.overview import overview, overview_needs
from wslnet.engine.router_list import router_list, router_needs

if TYPE_CHECKING:
    from collections.abc import Callable

    from wslnet.engine.fleet import Fleet
    from wslnet.engine.overview import Overview
    from wslnet.engine.router_list import RouterList
    from wslnet.model.snapshot import Snapshot


def look(fleet: Fleet, say: Callable[[str, str], None], *, wake: bool = False) -> tuple[Snapshot, Overview]:
    """The snapshot and the picture of it; `wake` starts a stopped WSL first.

    Never raises for a machine that cannot be reached: the picture says so.
    """
    if wake:
        wake_wsl(fleet)
    snapshot = gather(fleet, overview_needs(fleet.inventory), say=say)
    return snapshot, overview(snapshot, configured_mode(snapshot))


def look_routers(
    fleet: Fleet, say: Callable[[str, str], None], *, wake: bool = False
) -> tuple[Snapshot, RouterList]:
    """The snapshot and the virtual routers of all machines; as `look` otherwise.

    Raises:
        InputError: a declaration of a net cannot be read.
    """
    if wake:
        wake_wsl(fleet)
    snapshot = gather(fleet, router_needs(fleet.inventory), say=say)
    return snapshot, router_list(snapshot)


def configured_mode(snapshot: Snapshot) -> str | None:
    """The mode that `.wslconfig` asks for, in lower case; None if it does not say or was not read."""
    config = config_of(snapshot)
    value = config.value(MODE_KEY) if config is not None else None
    return value.lower() if value is not None else None
