"""Snapshots of the lab as they were read over the wire (tests/cases/snapshots), changed by merge patches."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.merge_patch import merged

from wslnet.engine.gather import decode
from wslnet.model.machine import Inventory, Kind, Machine, Wish
from wslnet.model.snapshot import Snapshot, Unseen

if TYPE_CHECKING:
    from collections.abc import Callable

FOLDER = Path(__file__).parents[2] / "cases" / "snapshots"


@pytest.fixture(scope="session")
def stored() -> Callable[..., Snapshot]:
    """`stored("mirrored", {"facts": {...}})`: a stored snapshot with a merge patch; `unseen` takes names."""

    def make(name: str, patch: dict[str, Any] | None = None, unseen: tuple[str, ...] = ()) -> Snapshot:
        whole = merged(json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8")), patch or {})
        machines = {
            one: Machine(one, Kind(given["kind"]), **{key: given[key] for key in given if key != "kind"})
            for one, given in whole["machines"].items()
        }
        wish = Wish(whole["wish"]["mode"], tuple((one, two) for one, two in whole["wish"]["reach"]))
        facts = {
            one: decode(machines[one].kind, one, value)
            for one, value in whole["facts"].items()
            if one in machines and one not in unseen
        }
        gone = {one: Unseen("unreachable", f"{one} does not answer") for one in unseen}
        return Snapshot(Inventory(Path("wslnet.toml"), Path("state"), machines, wish), facts, gone)

    return make
