"""What a start of Windows is to put back: written down at `boot install`, read by the tasks. No secrets.

A copy of the inventory as it looks from Windows itself, the mode, the options, and which VMs ran.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from wslnet.errors import InputError
from wslnet.model.allow import Allow
from wslnet.model.forward import Forward
from wslnet.model.machine import Inventory, Kind, Machine, Secret, Wish

if TYPE_CHECKING:
    from collections.abc import Mapping

SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True)
class Domain:
    """A VM that is to run, on the machine that hosts it; parents come first."""

    host: str
    name: str


@dataclass(frozen=True)
class BootData:
    """What to put back; `switches` are the aliases of Windows' interfaces that are to forward.

    `owner` is the SID of the account whose WSL it is.
    """

    inventory: Inventory
    mode: str
    options: Mapping[str, object]
    domains: tuple[Domain, ...] = ()
    switches: tuple[str, ...] = ()
    owner: str = ""

    def to_bytes(self) -> bytes:
        """The file's content: JSON, the same bytes for the same data."""
        inventory = self.inventory
        document = {
            "schema_version": SCHEMA_VERSION,
            "mode": self.mode,
            "options": dict(self.options),
            "domains": [asdict(one) for one in self.domains],
            "switches": list(self.switches),
            "owner": self.owner,
            "state": str(inventory.state),
            "machines": {name: _plain(one) for name, one in inventory.machines.items()},
            "wish": asdict(inventory.wish),
        }
        return json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True).encode() + b"\n"


def as_seen_from_windows(inventory: Inventory) -> Inventory:
    """The inventory for a program on Windows itself: no way in, no proxy, no password for it."""
    machines = {name: _local(one) for name, one in inventory.machines.items()}
    return replace(inventory, machines=machines)


def read_boot_data(path: PurePath, content: bytes) -> BootData:
    """The data of a file.

    Raises:
        InputError: it is not of this shape; the message names the file.
    """
    try:
        document = json.loads(content)
        if document["schema_version"] != SCHEMA_VERSION:
            raise InputError(f"{path}: schema_version {document['schema_version']} is not {SCHEMA_VERSION}")
        machines = {name: _machine(name, one) for name, one in document["machines"].items()}
        inventory = Inventory(Path(path), Path(document["state"]), machines, _wish(document["wish"]))
        domains = tuple(Domain(**one) for one in document["domains"])
        switches, owner = tuple(document["switches"]), document.get("owner", "")
        return BootData(inventory, document["mode"], document["options"], domains, switches, owner)
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: not what `wslnet boot install` wrote: {error}") from error


def _local(machine: Machine) -> Machine:
    if machine.kind is Kind.WINDOWS:
        # Not its constrained endpoint either: SYSTEM and the owner act there with their own rights.
        return Machine(machine.name, machine.kind)
    return replace(machine, proxy=None)


def _plain(machine: Machine) -> dict[str, object]:
    plain = {name: value for name, value in asdict(machine).items() if value is not None and name != "name"}
    return plain | ({"key": str(machine.key)} if machine.key is not None else {})


def _machine(name: str, one: Mapping[str, Any]) -> Machine:
    secret, key = one.get("secret"), one.get("key")
    fields = {
        **one,
        "name": name,
        "kind": Kind(one["kind"]),
        "key": None if key is None else Path(key),
        "secret": None if secret is None else Secret(**{**secret, "command": tuple(secret["command"])}),
        "routes": tuple(one.get("routes", ())),
    }
    return Machine(**fields)


def _wish(one: Mapping[str, Any]) -> Wish:
    reach = tuple((source, target) for source, target in one["reach"])
    # Written by versions that knew no forwards, too.
    forward = tuple(Forward(**each) for each in one.get("forward", ()))
    return Wish(one["mode"], reach, tuple(Allow(**allow) for allow in one["allow"]), forward)
