"""Raises a lab: clears what a dead one of that name left, mounts its folder, starts its daemon, waits."""

from __future__ import annotations

import select
import subprocess
import sys
from typing import TYPE_CHECKING

from wslnet_lab import cleanup, state, syscalls
from wslnet_lab.errors import LabError, NotRunning, UsageError
from wslnet_lab.fabric import lan
from wslnet_lab.topology.read import read

if TYPE_CHECKING:
    from wslnet_lab.paths import LabPaths
    from wslnet_lab.topology.model import Topology

_UP_TIMEOUT_S = 90.0
_MORE_A_MACHINE_S = 5.0


def up_all(paths: LabPaths, topology: str) -> tuple[state.LabState, ...]:
    """Raises the lab and, where its topology has another PC, that one's lab on the same local network.

    Raises:
        UsageError, LabError: As `up` does; what was begun is taken away again.
    """
    beside = read(topology).beside
    if not beside:
        return (up(paths, topology),)
    # Before anything is begun: its name may be too long.
    other = paths.beside
    first = up(paths, topology)
    try:
        second = up(other, beside)
        _couple(paths, other, read(topology))
    except BaseException:
        cleanup.remove_all(paths)
        raise
    return first, second


def up(paths: LabPaths, topology: str) -> state.LabState:
    """Raises the lab and gives its state; one of that name and topology that is up already is left as it is.

    Raises:
        UsageError: No such topology, or another one is up under that name.
        LabError: It does not come up; what was begun is taken away again.
    """
    machines = len(read(topology).machines)
    try:
        there = state.read(paths)
    except NotRunning:
        there = None
    if there is not None and there.daemon.alive():
        if there.topology != topology:
            raise UsageError(f"lab {paths.name!r} is up with topology {there.topology!r}; take it down first")
        return there
    cleanup.remove(paths)
    paths.folder.mkdir(parents=True)
    try:
        # On a file system of its own a lab leaves nothing, and overlayfs takes it as an upper side anywhere.
        syscalls.mount("wslnet-lab", str(paths.folder), "tmpfs", 0, "mode=0700")
        paths.log.mkdir()
        paths.calls.touch()
        _start_daemon(paths, topology, _UP_TIMEOUT_S + machines * _MORE_A_MACHINE_S)
    except BaseException:
        cleanup.remove(paths)
        raise
    return state.read(paths)


def _start_daemon(paths: LabPaths, topology: str, timeout_s: float) -> None:
    log = paths.log / "daemon.log"
    with log.open("ab") as errors:
        daemon = subprocess.Popen(
            [sys.executable, "-m", "wslnet_lab.daemon", paths.name, topology],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            cwd="/",
            start_new_session=True,
        )
    line = ""
    try:
        line = _first_line(daemon, timeout_s)
    finally:
        if line == "up":
            daemon.returncode = 0  # it lives on by itself; nothing here is to wait for it
        else:
            daemon.kill()
            daemon.wait()
    if line != "up":
        raise LabError(line or f"the daemon does not come up: {log.read_text(errors='replace')[-2000:]}")


def _first_line(daemon: subprocess.Popen[bytes], timeout_s: float) -> str:
    assert daemon.stdout is not None  # noqa: S101 - it was given a pipe
    with daemon.stdout as told:
        ready, _, _ = select.select([told], [], [], timeout_s)
        return told.readline().decode(errors="replace").strip() if ready else ""


def _couple(paths: LabPaths, other: LabPaths, topology: Topology) -> None:
    gateway = topology.one("gateway")
    if gateway.nic is None:
        raise LabError("topology: the gateway has no card")
    lan.couple(paths.netns(gateway.name), other.netns(gateway.name), gateway.nic.device)
