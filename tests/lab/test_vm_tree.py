"""Trees of VMs, deep and wide: found, connected with one command, measured, and taken back."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from .canonical.snapshot import differences, take
from .conftest import RunningLab, labs, wslnet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = [pytest.mark.lab, pytest.mark.timeout(1500)]

UP_TIMEOUT_S = 400
"""32 machines, on a box that others are busy on as well."""


@pytest.fixture
def raise_tree() -> Iterator[Callable[[str], RunningLab]]:
    with labs() as up:
        yield lambda topology: up(f"t{os.getpid()}-{topology}", topology, UP_TIMEOUT_S)


def run(lab: RunningLab, *arguments: str) -> tuple[int, dict[str, Any]]:
    done = wslnet("--inventory", str(lab.inventory), *arguments, "--json", timeout_s=600)
    assert "Traceback" not in done.stderr
    return done.returncode, json.loads(done.stdout)


@pytest.mark.row("S0-43")
@pytest.mark.parametrize(
    ("topology", "depth", "width"),
    [("tree-2x3", 2, 3), pytest.param("tree-4x8", 4, 8, marks=pytest.mark.full)],
)
def test_a_tree_is_connected_with_one_command(
    raise_tree: Callable[[str], RunningLab], topology: str, depth: int, width: int
) -> None:
    lab = raise_tree(topology)
    names = [f"vm{branch}{level}" for level in range(1, depth + 1) for branch in range(1, width + 1)]
    code, said = run(lab, "vm", "list")
    assert (code, said["unseen"]) == (0, {}), said
    assert sorted(vm["machine"] for vm in said["vms"]) == sorted(names)
    before = take(lab)

    code, said = run(lab, "vm", "reach", "--yes")
    assert (code, said["result"]) == (0, "committed"), said
    code, said = run(lab, "matrix")
    reached = {(one["from"], one["to"]) for one in said["pairs"] if one["proto"] == "icmp" and one["ok"]}
    wished = {pair for name in names for pair in (("wsl", name), (name, "wsl"))}
    # The first two branches hang on different bridges of wsl, and the inventory wishes for that pair.
    assert wished | {("vm11", "vm21"), ("vm21", "vm11")} <= reached
    assert run(lab, "vm", "reach", "--yes")[1]["result"] == "unchanged"

    code, said = run(lab, "undo", "--yes")
    assert code == 0, said
    assert differences(before, take(lab)) == []
