"""Snapshots made of the bases in tests/cases/checks/base, changed by JSON merge patches (RFC 7386)."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.merge_patch import merged

from wslnet.engine.gather import decode
from wslnet.model.allow import parse_allow
from wslnet.model.forward import parse_forward
from wslnet.model.machine import Inventory, Kind, Machine, Wish
from wslnet.model.snapshot import Snapshot, Unseen

if TYPE_CHECKING:
    from collections.abc import Callable

BASES = Path(__file__).parents[2] / "cases" / "checks" / "base"
_TEXT = "$text:"


def document(base: str) -> dict[str, Any]:
    read = json.loads((BASES / f"{base}.json").read_text(encoding="utf-8"))
    return merged(document(read["base"]), read["patch"]) if "base" in read else read


def snapshot_of(whole: dict[str, Any]) -> Snapshot:
    machines = {
        name: Machine(
            name,
            Kind(one["kind"]),
            **{key: value for key, value in one.items() if key not in {"kind", "name"}},
        )
        for name, one in whole["machines"].items()
    }
    wish = whole.get("wish", {})
    inventory = Inventory(
        Path("wslnet.toml"),
        Path("state"),
        machines,
        Wish(
            wish.get("mode"),
            tuple((one, other) for one, other in wish.get("reach", ())),
            tuple(parse_allow(text) for text in wish.get("allow", ())),
            tuple(parse_forward(text) for text in wish.get("forward", ())),
        ),
    )
    unseen = {name: Unseen(code, reason) for name, (code, reason) in whole.get("unseen", {}).items()}
    facts = {
        name: decode(machines[name].kind, name, _with_bytes(value))
        for name, value in whole["facts"].items()
        if name not in unseen
    }
    return Snapshot(inventory, facts, unseen)


def _with_bytes(value: dict[str, Any]) -> dict[str, Any]:
    """Texts of `.wslconfig` are written as text in the cases and carried as base64 in the facts."""
    content = (value.get("wslconfig") or {}).get("content") or ""
    if not content.startswith(_TEXT):
        return value
    encoded = base64.b64encode(content.removeprefix(_TEXT).encode()).decode()
    return merged(value, {"wslconfig": {"content": encoded}})


@pytest.fixture(scope="session")
def snapshot() -> Callable[..., Snapshot]:
    def make(base: str = "seed", patch: dict[str, Any] | None = None) -> Snapshot:
        return snapshot_of(merged(document(base), patch or {}))

    return make
