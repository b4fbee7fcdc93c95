"""Plans in files: read one back, and see whether what it rests on is still there.

A file is never executed: what was asked for is planned anew, and must come out the same.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from wslnet.errors import InputError, PlanRefused
from wslnet.model.allow import parse_allow
from wslnet.model.plan import SCHEMA_VERSION, plan_id
from wslnet.model.typed import typed_json
from wslnet.profiles.modes import SetupOptions

if TYPE_CHECKING:
    from pathlib import Path

    from wslnet.model.plan import Plan


class _Options(msgspec.Struct, forbid_unknown_fields=True):
    allow: list[str] = []
    open_all: bool = False
    host_loopback: bool = False
    recommended: bool = False
    lan_peer: str | None = None
    allow_regression: list[tuple[str, str]] = []
    vm_switch: str | None = None
    update_wsl: str | None = None


class _Profile(msgspec.Struct):
    mode: str
    options: _Options


class _Change(msgspec.Struct):
    id: str


class _Document(msgspec.Struct):
    schema_version: int
    id: str
    profile: _Profile
    fingerprints: dict[str, str]
    changes: list[_Change]
    facts: dict[str, dict[str, str]] = {}


@dataclass(frozen=True)
class SavedPlan:
    """A plan as a file holds it: its id, what was asked for, and what it rests on."""

    id: str
    mode: str
    options: SetupOptions
    fingerprints: dict[str, str]
    facts: dict[str, dict[str, str]]
    changes: tuple[str, ...]


def read_plan(path: Path) -> SavedPlan:
    """The plan that `plan -o` or `setup --dry-run -o` wrote.

    Raises:
        InputError: it cannot be read, is no plan, or was altered.
    """
    try:
        text = path.read_text(encoding="utf-8")
        found = typed_json(text, _Document)
        whole = json.loads(text)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    except (msgspec.MsgspecError, ValueError) as error:
        raise InputError(f"{path}: this is no plan: {error}") from error
    if found.schema_version != SCHEMA_VERSION:
        raise InputError(f"{path}: schema_version {found.schema_version} is not {SCHEMA_VERSION}")
    if plan_id(whole) != found.id:
        raise InputError(f"{path}: the plan was altered: its id is not that of its content")
    asked = found.profile.options
    options = SetupOptions(
        tuple(parse_allow(one) for one in asked.allow),
        asked.open_all,
        asked.host_loopback,
        asked.recommended,
        asked.lan_peer,
        tuple(asked.allow_regression),
        asked.vm_switch,
        asked.update_wsl,
    )
    changes = tuple(change.id for change in found.changes)
    return SavedPlan(found.id, found.profile.mode, options, found.fingerprints, found.facts, changes)


def demand_same(saved: SavedPlan, plan: Plan) -> None:
    """Compares a saved plan with the one that is made of what is there now.

    Raises:
        PlanRefused: they differ; the message says what moved.
    """
    if saved.id == plan.id:
        return
    machines = sorted({*saved.fingerprints, *plan.fingerprints})
    moved = [name for name in machines if saved.fingerprints.get(name) != plan.fingerprints.get(name)]
    now = [change.id for change in plan.changes]
    differ = [one for one in (*saved.changes, *now) if (one in saved.changes) != (one in now)]
    words = [_moved_facts(name, saved, plan) for name in moved]
    words += [f"changes ({'; '.join(dict.fromkeys(differ))})"] if differ else []
    raise PlanRefused(
        f"the plan is stale: {' and '.join(words) or 'its notes'} moved since it was made",
        machine=moved[0] if moved else None,
        hint="make it again with `wslnet plan -o FILE`",
    )


def _moved_facts(machine: str, saved: SavedPlan, plan: Plan) -> str:
    before, after = saved.facts.get(machine, {}), plan.facts.get(machine, {})
    names = sorted(name for name in {*before, *after} if before.get(name) != after.get(name))
    return f"{', '.join(names) or 'the facts'} of {machine}"
