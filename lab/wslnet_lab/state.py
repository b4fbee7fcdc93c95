"""What is known of a lab outside its daemon: which processes it has, where things are, what runs.

Written by the daemon after every change, in one step; read by the commands, whether or not the daemon lives.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from wslnet_lab.errors import NotRunning
from wslnet_lab.processes import Process

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wslnet_lab.paths import LabPaths

SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True)
class MachineState:
    """One machine.

    Attributes:
        netns: Name of its network namespace, the same over restarts.
        root: Folder on this host where its files lie.
        address: The address it has now, None while it has none.
        parent: The machine it runs in.
        init: Its process 1 as this host numbers it, None when it is off.
    """

    netns: str
    root: str
    address: str | None
    parent: str | None
    init: Process | None

    @property
    def running(self) -> bool:
        """Whether it is on."""
        return self.init is not None and self.init.alive()


@dataclass(frozen=True, slots=True)
class LabState:
    """One lab."""

    name: str
    topology: str
    inventory: str
    daemon: Process
    machines: Mapping[str, MachineState]

    def report(self) -> dict[str, Any]:
        """The shape of `lab up --json` and `lab status --json` (spec/cli.md)."""
        return {
            "schema_version": SCHEMA_VERSION,
            "name": self.name,
            "topology": self.topology,
            "inventory": self.inventory,
            "daemon": "running" if self.daemon.alive() else "dead",
            "machines": {
                name: {
                    "netns": machine.netns,
                    "root": machine.root,
                    "state": "running" if machine.running else "stopped",
                    "address": machine.address if machine.running else None,
                    "parent": machine.parent,
                }
                for name, machine in self.machines.items()
            },
        }


def write(paths: LabPaths, state: LabState) -> None:
    """Replaces the state file."""
    fresh = paths.state.with_suffix(".new")
    fresh.write_text(json.dumps(asdict(state), indent=1))
    fresh.replace(paths.state)


def read(paths: LabPaths) -> LabState:
    """The state of a lab.

    Raises:
        NotRunning: There is no lab of that name, or it never came up.
    """
    try:
        data = json.loads(paths.state.read_text())
    except FileNotFoundError:
        raise NotRunning(
            f"no lab {paths.name!r} is up; `wslnet lab up --name {paths.name}` raises it"
        ) from None
    return LabState(
        name=data["name"],
        topology=data["topology"],
        inventory=data["inventory"],
        daemon=Process(**data["daemon"]),
        machines={
            name: MachineState(**{**each, "init": Process(**each["init"]) if each["init"] else None})
            for name, each in data["machines"].items()
        },
    )
