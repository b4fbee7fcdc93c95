"""Machines of a lab that die: frozen, which is silence, or without power. And that come back.

A machine goes with all that runs inside it, and its guard with it.
"""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

from wslnet_lab import control, state
from wslnet_lab.paths import LabPaths

TREE = ("windows", "wsl", "vm1", "vm2")
_END_S = 10.0
_START_S = 60.0


def at_and_below(machine: str) -> tuple[str, ...]:
    """The machine and what runs in it: the tree of the seed is a line."""
    return TREE[TREE.index(machine) :]


def freeze(lab: Any, machine: str) -> None:
    """Stops every process of the machine and of those in it; what is sent to them is never answered."""
    until = time.monotonic() + _END_S
    while running := [pid for name in at_and_below(machine) for pid in _processes(lab, name, "TZ")]:
        assert time.monotonic() < until, running
        for pid in running:
            _signal(pid, signal.SIGSTOP)
        time.sleep(0.05)


def thaw(lab: Any, machine: str) -> None:
    """Lets them go on as if no time had passed for them."""
    for name in at_and_below(machine):
        for pid in _processes(lab, name, "Z"):
            _signal(pid, signal.SIGCONT)


def cut_power(lab: Any, machine: str) -> None:
    """Pulls the plug of a VM."""
    _hypervisor(lab, machine, "domain_destroy")


def give_power(lab: Any, machine: str) -> None:
    """Starts a VM anew, and those in it."""
    for name in at_and_below(machine):
        _hypervisor(lab, name, "domain_start")


def _hypervisor(lab: Any, vm: str, act: str) -> None:
    host = TREE[TREE.index(vm) - 1]
    socket = lab.inventory.parent / host / "hypervisor.sock"
    control.call(socket, act, {"name": vm}, timeout_s=_START_S)


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def _processes(lab: Any, machine: str, but: str) -> list[int]:
    """Those of the machine's process namespace that are in none of the states `but` (proc(5))."""
    init = state.read(LabPaths.of(lab.name)).machines[machine].init
    assert init is not None, f"{machine} is off"
    mine = Path(f"/proc/{init.pid}/ns/pid").stat().st_ino
    found = []
    for process in Path("/proc").iterdir():
        if not process.name.isdecimal():
            continue
        try:
            is_mine = (process / "ns/pid").stat().st_ino == mine
            what = (process / "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue  # it has just ended, or is no business of a lab
        if is_mine and what not in but:
            found.append(int(process.name))
    return found
