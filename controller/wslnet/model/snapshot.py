"""A snapshot: the facts of all machines at one time, and the machines that could not be seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from wslnet.errors import Unreachable
from wslnet.model.linux_facts import LinuxFacts
from wslnet.model.windows_facts import WindowsFacts

if TYPE_CHECKING:
    from wslnet.errors import WslnetError
    from wslnet.model.machine import Inventory

MachineFacts = LinuxFacts | WindowsFacts
Needs = Mapping[str, frozenset[str]]
"""Machine name → names of the facts that are needed of it."""


@dataclass(frozen=True, slots=True)
class Unseen:
    """Why a machine could not be seen: the error's stable word, its message, the exit code it stands for."""

    code: str
    reason: str
    exit_code: int = Unreachable.exit_code

    def error(self, machine: str) -> WslnetError:
        """The error that a command raises which cannot go on without the machine."""
        raised = Unreachable(self.reason, machine=machine)
        raised.code, raised.exit_code = self.code, self.exit_code
        return raised


@dataclass(frozen=True)
class Snapshot:
    """Facts by machine name, and what could not be seen."""

    inventory: Inventory
    facts: Mapping[str, MachineFacts] = field(default_factory=dict)
    unseen: Mapping[str, Unseen] = field(default_factory=dict)

    def linux(self, name: str) -> LinuxFacts | None:
        """The facts of a Linux machine; None if it was not seen."""
        found = self.facts.get(name)
        return found if isinstance(found, LinuxFacts) else None

    @property
    def windows(self) -> WindowsFacts | None:
        """The facts of the Windows host; None if it was not seen."""
        machine = self.inventory.windows
        found = self.facts.get(machine.name) if machine is not None else None
        return found if isinstance(found, WindowsFacts) else None

    @property
    def mode(self) -> str | None:
        """WSL's networking mode as measured: inside WSL if it was seen, else as Windows could tell."""
        wsl = self.inventory.wsl
        inside = self.linux(wsl.name) if wsl is not None else None
        if inside is not None and inside.wsl is not None and inside.wsl.mode is not None:
            return inside.wsl.mode
        if self.windows is not None and self.windows.wsl is not None:
            return self.windows.wsl.mode
        return None
