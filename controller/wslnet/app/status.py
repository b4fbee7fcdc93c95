"""`wslnet status`: gathers what the picture needs and draws it. Reads only; a stopped WSL stays stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet.app.doctor import wake_wsl
from wslnet.checks.parts.wslconfig import MODE_KEY, config_of
from wslnet.engine.gather import gather
from wslnet.engine.overview import overview, overview_needs
from wslnet.engine.router_list import router_list, router_needs
from wslnet.errors import InputError, Unsupported

if TYPE_CHECKING:
    from collections.abc import Callable

    from wslnet.engine.fleet import Fleet
    from wslnet.engine.overview import Overview
    from wslnet.engine.router_list import RouterList
    from wslnet.model.snapshot import Snapshot
    from wslnet.model.windows_wsl import WslVersions


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


def look_at_versions(fleet: Fleet) -> WslVersions:
    """The versions of WSL and of what comes with it.

    Raises:
        InputError: the inventory has no Windows host.
        Unreachable: Windows was not seen.
        Unsupported: no WSL is there that tells its versions.
    """
    windows = fleet.inventory.windows
    if windows is None:
        raise InputError(f"{fleet.inventory.path}: no machine of kind windows, which knows WSL's versions")
    snapshot = gather(fleet, {windows.name: frozenset({"wsl"})})
    if windows.name in snapshot.unseen:
        raise snapshot.unseen[windows.name].error(windows.name)
    service = snapshot.windows.wsl if snapshot.windows is not None else None
    if service is None or service.versions is None or service.versions.wsl is None:
        raise Unsupported(f"{windows.name}: no WSL there tells its versions", machine=windows.name)
    return service.versions


def configured_mode(snapshot: Snapshot) -> str | None:
    """The mode that `.wslconfig` asks for, in lower case; None if it does not say or was not read."""
    config = config_of(snapshot)
    value = config.value(MODE_KEY) if config is not None else None
    return value.lower() if value is not None else None
