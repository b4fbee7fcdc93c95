"""Takes labs away: their processes, namespaces, mounts and folder, whether or not its daemon still lives.

The only way down: `lab down` uses it, and `lab up` before it begins. It goes by names and by what the kernel
says, and needs no state file.
"""

from __future__ import annotations

import contextlib
import shutil
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

from wslnet_lab import netns, processes, state, syscalls
from wslnet_lab.errors import LabError, NotRunning
from wslnet_lab.fabric import netns as fabric_netns
from wslnet_lab.fabric.netns import FabricError
from wslnet_lab.paths import LABS, LabPaths
from wslnet_lab.topology.read import names, read

if TYPE_CHECKING:
    from collections.abc import Collection

_DAEMON_END_TIMEOUT_S = 5.0
_REAP_TIMEOUT_S = 1.0


def remove_all(paths: LabPaths) -> bool:
    """Removes a lab and the one of the other PC that was raised with it; True when there was anything.

    Raises:
        LabError: Something does not go away.
    """
    with contextlib.suppress(NotRunning):
        if read(state.read(paths).topology).beside:
            remove(paths.beside)
    return remove(paths)


def remove(paths: LabPaths) -> bool:
    """Removes everything of a lab; True when there was anything.

    Raises:
        LabError: Something does not go away.
    """
    there = paths.folder.exists() or bool(_namespaces(paths))
    # Twice: while the daemon lives it takes the exits of what it started, and it might just start more.
    _end_processes(paths)
    _end_daemon(paths)
    _end_processes(paths)
    for name in _namespaces(paths):
        try:
            fabric_netns.remove(name)
        except FabricError as error:
            raise LabError(str(error)) from error
    _unmount_below(paths.folder)
    if paths.folder.exists():
        shutil.rmtree(paths.folder)
    if LABS.exists():
        netns.forget_mount()
        with contextlib.suppress(OSError):  # other labs are still in there
            LABS.rmdir()
    return there


def _namespaces(paths: LabPaths) -> list[str]:
    """The namespaces that there are. By machine, not by prefix: lab `a` must not take lab `a-b` with it."""
    possible = {paths.netns(machine) for topology in names() for machine in read(topology).machines}
    return sorted(filter(fabric_netns.exists, possible))


def _end_processes(paths: LabPaths) -> None:
    _await_exits(processes.end_all({netns.identity(name) for name in _namespaces(paths)}))


def _end_daemon(paths: LabPaths) -> None:
    try:
        daemon = state.read(paths).daemon
    except NotRunning:
        return
    daemon.signal(signal.SIGKILL)
    if not daemon.wait_end(_DAEMON_END_TIMEOUT_S):
        raise LabError(f"the daemon {daemon.pid} of lab {paths.name!r} does not end")
    _await_exits({daemon.pid})


def _await_exits(pids: Collection[int]) -> None:
    """Gives whoever adopted ended processes a moment to take their exits, so that no list shows them."""
    deadline = time.monotonic() + _REAP_TIMEOUT_S
    while any(Path(f"/proc/{pid}").exists() for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.02)


def _unmount_below(folder: Path) -> None:
    inside = f"{folder}/"
    points = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    for point in reversed(points):
        if point == str(folder) or point.startswith(inside):
            syscalls.unmount(point)
