"""The canonical snapshot of a lab: everything that wslnet may change, and all that it must not, in words.

Read beside the product, straight from namespaces, machines' files and the state of the Windows host. Two
snapshots of the same state are equal; what is forgotten for that stands, with its reason, at the top of
the module that reads it.
"""

from __future__ import annotations

import difflib
import json
import os
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wslnet_lab import syscalls

from .files import LOCKS, read_files
from .firewall import read_firewall
from .network import read_network
from .windows_state import read_windows

if TYPE_CHECKING:
    from .parts import Parts

_READ_TIMEOUT_S = 60
_TMPFS = ("run", "tmp", "mnt/wsl")
"""Folders of a machine that are not on its disk; the last is the one that all distros of WSL share."""


@dataclass(frozen=True)
class Snapshot:
    """The state of a lab; `parts` names each thing of each machine."""

    parts: dict[str, tuple[str, ...]]

    def of(self, machine: str) -> Snapshot:
        """The part of it that is one machine's."""
        return Snapshot({part: lines for part, lines in self.parts.items() if part.split()[0] == machine})


def take(lab: Any, *only: str) -> Snapshot:
    """Reads all machines of a running lab at once, or `only` these.

    `lab`: `RunningLab` of conftest, or what has its `inventory`.
    """
    folder = lab.inventory.parent
    machines = json.loads((folder / "state.json").read_text(encoding="utf-8"))["machines"]
    readings = [_Reading(folder, name, each) for name, each in machines.items() if name in (only or machines)]
    for reading in readings:
        reading.start()
    parts: Parts = {}
    for reading in readings:
        reading.join(_READ_TIMEOUT_S)
        assert not reading.is_alive(), f"{reading.name} is not read within {_READ_TIMEOUT_S} s"
        if reading.error is not None:
            raise reading.error
        parts |= {f"{reading.name} {what}": lines for what, lines in reading.parts.items()}
    return Snapshot(parts)


def locks(lab: Any) -> list[str]:
    """The locks of wslnet that lie on machines, which a snapshot forgets; `MACHINE PATH`."""
    folder = lab.inventory.parent
    machines = json.loads((folder / "state.json").read_text(encoding="utf-8"))["machines"]
    roots = {name: Path(f"/proc/{each['init']['pid']}/root") for name, each in machines.items()}
    drive = folder / "windows"
    return [
        f"{name} {lock}"
        for name, root in roots.items()
        for lock in LOCKS
        if (drive / lock.replace("C:", "C") if name == "windows" else Path(f"{root}{lock}")).exists()
    ]


def differences(one: Snapshot, other: Snapshot) -> list[str]:
    """What is not the same, part by part, lines of `one` with `-` and of `other` with `+`; none: equal."""
    found = []
    for part in sorted({*one.parts, *other.parts}):
        before, after = one.parts.get(part, ()), other.parts.get(part, ())
        if before != after or (part in one.parts) != (part in other.parts):
            lines = list(difflib.unified_diff(before, after, lineterm="", n=0))[2:]
            changed = [line for line in lines if not line.startswith("@@")]
            found.append("\n  ".join([part, *changed]))
    return found


class _Reading(threading.Thread):
    """Reads one machine; a thread, because a network namespace is one's own a thread."""

    def __init__(self, folder: Path, machine: str, state: dict[str, Any]) -> None:
        super().__init__(name=machine, daemon=True)
        self._folder = folder
        self._state = state
        self.parts: Parts = {}
        self.error: Exception | None = None

    def run(self) -> None:
        try:
            self.parts = self._read()
        except Exception as error:  # noqa: BLE001 - it is raised again in the thread that waits
            self.error = error

    def _read(self) -> Parts:
        init = self._state["init"]
        running = init is not None and Path(f"/proc/{init['pid']}").exists()
        parts: Parts = {"state": ("running" if running else "off",)}
        if self.name == "windows":
            parts |= read_windows(self._folder / "windows")
        else:
            mine = self._folder / self.name
            parts |= read_files(mine / "upper", self._folder / "base")
            parts |= read_files(mine / "usr" / "upper", Path("/usr"), "/usr")
            if running:
                root = Path(f"/proc/{init['pid']}/root")
                for name in _TMPFS:
                    parts |= read_files(root / name, None, f"/{name}")
        netns = Path("/run/netns", self._state["netns"])
        if netns.exists():
            self._enter(netns)
            parts |= read_network() | read_firewall()
        return parts

    @staticmethod
    def _enter(netns: Path) -> None:
        descriptor = os.open(netns, os.O_RDONLY)
        try:
            syscalls.setns(descriptor, syscalls.CLONE_NEWNET)
        finally:
            os.close(descriptor)
