"""A plan: ordered changes in stages, the facts they rest on, and what a restart between them cuts."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from wslnet.model.change import change_to_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wslnet.model.change import Change
    from wslnet.model.machine import Inventory

SCHEMA_VERSION = 1


def canonical(value: object) -> str:
    """Canonical JSON: sorted keys, no blanks; what ids and fingerprints are made of."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def digest(value: object) -> str:
    """SHA-256 of the canonical JSON, in hex."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()


UNIDENTIFIED = frozenset({"schema_version", "id", "cut", "captured"})
"""Keys of a plan's document that its id does not stand for."""


def plan_id(document: Mapping[str, object]) -> str:
    """The id of a plan's document."""
    return digest({key: value for key, value in document.items() if key not in UNIDENTIFIED})[:16]


@dataclass(frozen=True, slots=True)
class Stage:
    """Changes between two barriers. A `forecast` is diffed anew once its barrier has been passed."""

    number: int
    title: str
    barrier: bool = False
    forecast: bool = False

    def to_json(self) -> dict[str, object]:
        """The stage as plans print it; `barrier` means: a restart of WSL stands before it."""
        return {
            "number": self.number,
            "title": self.title,
            "barrier": self.barrier,
            "forecast": self.forecast,
        }


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run would do.

    `fingerprints` holds, per machine, the digest of the facts that the first stage rests on, and `facts`
    that of each fact, to say what moved; `cut` says in words who is cut by the restart, `captured` what of
    others' state it loses and whether that is put back (both not part of the id: who is logged in moves by
    itself); `notes` holds what the user should know and nothing can be done about; `profile` is what was
    asked for, so that a saved plan can be made again and compared.
    """

    stages: tuple[Stage, ...]
    changes: tuple[Change, ...]
    fingerprints: Mapping[str, str]
    cut: tuple[str, ...] = ()
    captured: tuple[Mapping[str, object], ...] = ()
    notes: tuple[str, ...] = ()
    profile: Mapping[str, object] = field(default_factory=dict)
    facts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """Hash of the plan's canonical JSON (without itself and what UNIDENTIFIED names)."""
        return plan_id(self._body())

    def machines(self, inventory: Inventory) -> frozenset[str]:
        """The machines that it changes; a restart of WSL changes all that is in it."""
        found = {change.machine for change in self.changes}
        wsl = inventory.wsl
        if wsl is not None and any(stage.barrier for stage in self.stages):
            found |= {wsl.name, *(machine.name for machine in inventory.descendants(wsl.name))}
        return frozenset(found)

    def to_json(self) -> dict[str, object]:
        """The shape of spec/cli.md, from which `apply` can run it."""
        return {"schema_version": SCHEMA_VERSION, "id": self.id, **self._body()}

    def _body(self) -> dict[str, object]:
        return {
            "stages": [stage.to_json() for stage in self.stages],
            "changes": [change_to_json(change) for change in self.changes],
            "fingerprints": dict(self.fingerprints),
            "facts": {name: dict(prints) for name, prints in self.facts.items()},
            "cut": list(self.cut),
            "captured": [dict(one) for one in self.captured],
            "notes": list(self.notes),
            "profile": dict(self.profile),
        }
