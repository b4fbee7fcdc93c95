"""What was found at a first look, in a few lines, and the one thing to do next. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wslnet.model.machine import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wslnet.model.machine import Inventory
    from wslnet.model.snapshot import Needs, Snapshot


@dataclass(frozen=True, slots=True)
class Step:
    """A command and why it comes next; `command` is without `wslnet` and its `--inventory`."""

    command: str
    why: str


def first_look(inventory: Inventory) -> Needs:
    """The least that tells what is there: nothing that takes long."""
    by_kind = {
        Kind.WINDOWS: frozenset({"wsl"}),
        Kind.WSL: frozenset({"wsl", "domains"}),
        Kind.VM: frozenset({"domains"}),
    }
    return {name: by_kind.get(machine.kind, frozenset()) for name, machine in inventory.machines.items()}


def found_lines(snapshot: Snapshot) -> Iterator[str]:
    """A line for WSL and one for each machine that was looked at."""
    yield f"wsl mode: {snapshot.mode or 'not known'}"
    for name, machine in snapshot.inventory.machines.items():
        if name in snapshot.facts:
            yield f"{name} ({machine.kind}): answers"
        elif name in snapshot.unseen:
            yield f"{name} ({machine.kind}): {snapshot.unseen[name].reason}"


def next_step(snapshot: Snapshot, interrupted: str | None = None) -> Step:
    """The one thing to do: what hides everything else first. `interrupted` names a run without an end."""
    steps = (
        _interrupted(interrupted),
        _windows(snapshot),
        _wsl(snapshot),
        _others(snapshot),
        _unknown(snapshot),
        _mode(snapshot),
    )
    found = next((step for step in steps if step is not None), None)
    return found or Step("doctor", "all machines answer; see whether everything is as it should be")


def _interrupted(run: str | None) -> Step | None:
    return None if run is None else Step("resume", f"run {run} was interrupted")


def _windows(snapshot: Snapshot) -> Step | None:
    machine = snapshot.inventory.windows
    if machine is None or machine.name not in snapshot.unseen:
        return None
    return Step("doctor --only machine.reachable", f"{machine.name} cannot be reached")


def _wsl(snapshot: Snapshot) -> Step | None:
    service = snapshot.windows.wsl if snapshot.windows is not None else None
    if service is None or service.running:
        return None
    if not service.installed:
        return Step("doctor --only wsl.version", "WSL is not installed")
    return Step("doctor --wake", "WSL is stopped; --wake starts it to look into it")


def _others(snapshot: Snapshot) -> Step | None:
    if not snapshot.unseen:
        return None
    return Step("doctor", f"{', '.join(snapshot.unseen)} cannot be reached; doctor says why")


def _unknown(snapshot: Snapshot) -> Step | None:
    inventory = snapshot.inventory
    for name in inventory.machines:
        facts = snapshot.linux(name)
        known = {machine.name for machine in inventory.children(name)}
        for domain in (facts.domains if facts is not None else None) or ():
            if domain.running and domain.name not in known:
                return Step("init", f"the VM {domain.name} in {name} is not in the inventory")
    return None


def _mode(snapshot: Snapshot) -> Step | None:
    wished = snapshot.inventory.wish.mode
    if wished is None or wished == snapshot.mode or snapshot.mode is None:
        return None
    return Step(f"setup --{wished}", f"WSL runs in mode {snapshot.mode}, and {wished} is wished")
