"""The proof behind `setup --mirrored` that Windows reaches WSL: a server of ours, which must be ours."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from wslnet.engine.probes import measure
from wslnet.model.change import OpResult
from wslnet.model.linux_facts import LinuxFacts, WslInfo
from wslnet.model.machine import Inventory, Kind, Machine
from wslnet.model.reach import localhost_probes
from wslnet.model.snapshot import Snapshot

if TYPE_CHECKING:
    from wslnet.model.change import Op

MACHINES = {
    "windows": Machine("windows", Kind.WINDOWS),
    "wsl": Machine("wsl", Kind.WSL, "windows", distro="Debian"),
}
INVENTORY = Inventory(Path("wslnet.toml"), Path("state"), MACHINES)


def in_mode(mode: str, inventory: Inventory = INVENTORY) -> Snapshot:
    return Snapshot(inventory, {"wsl": LinuxFacts(wsl=WslInfo(mode))})


@dataclass
class Wired:
    """Windows and WSL; `free`: whether WSL lets us listen, `answers`: whether Windows gets through."""

    free: bool
    answers: bool
    inventory: Inventory = INVENTORY
    open: list[str] = field(default_factory=list)

    def execute(self, machine: str, ops: list[Op], *, deadline_s: float) -> list[OpResult]:
        assert deadline_s > 0
        (op,) = ops
        if op.verb == "probes":
            return [OpResult([{"ok": self.answers, "ms": 1.0, "detail": ""}])]
        assert (machine, op.args["port"]) == ("wsl", 54321)
        self.open.append(op.verb)
        return [OpResult() if self.free else OpResult(code="failed", message="in use")]


def test_only_mirrored_mode_promises_it() -> None:
    assert [localhost_probes(in_mode(mode)) for mode in ("nat", "bridged", "none")] == [(), (), ()]
    (probe,) = localhost_probes(in_mode("mirrored"))
    assert (probe.source, probe.target, probe.address, probe.expected) == (
        "windows",
        "wsl",
        "127.0.0.1",
        True,
    )
    endpoint = replace(MACHINES["windows"], configuration="wslnet")
    there = replace(INVENTORY, machines={**MACHINES, "windows": endpoint})
    assert localhost_probes(in_mode("mirrored", there)) == ()


@pytest.mark.row("S3-44")
@pytest.mark.parametrize(
    ("free", "answers", "ok", "contradicts"),
    [(True, True, True, False), (True, False, False, True), (False, True, None, False)],
    ids=["reached", "not reached", "somebody else's port"],
)
def test_a_server_of_ours_is_reached_or_nothing_is_said(
    *, free: bool, answers: bool, ok: bool | None, contradicts: bool
) -> None:
    fleet: Any = Wired(free, answers)
    (found,) = measure(fleet, localhost_probes(in_mode("mirrored")))
    assert (found.ok, found.contradicts) == (ok, contradicts)
    assert fleet.open == (["listen", "unlisten"] if free else ["listen"])
