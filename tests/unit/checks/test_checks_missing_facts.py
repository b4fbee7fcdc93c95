"""Whatever is missing, no check crashes, and nothing that cannot be judged is called a failure."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wslnet.checks import discover
from wslnet.engine.doctor import Diagnosis, examine
from wslnet.model.finding import Status
from wslnet.model.linux_facts import LinuxFacts
from wslnet.model.snapshot import Snapshot, Unseen
from wslnet.model.windows_facts import WindowsFacts

if TYPE_CHECKING:
    from collections.abc import Callable

MACHINES = ("lan", "windows", "wsl", "vm1", "vm2")
READINGS = [
    (name, one.name) for name in MACHINES for one in fields(WindowsFacts if name == "windows" else LinuxFacts)
]
INNER = [
    ("windows", {"wsl": {"mode": None, "version": None, "address": None}}),
    ("windows", {"wsl": {"distros": [], "running": False}}),
    ("windows", {"hyperv_firewall": {"setting": None, "rules": []}}),
    ("windows", {"hyperv_firewall": {"setting": {"default_inbound": None, "enabled": None}}}),
    ("windows", {"wslconfig": {"content": None}}),
    ("windows", {"os": {"edition": None, "product": None}}),
    ("windows", {"interfaces": [], "routes": [], "addresses": []}),
    ("wsl", {"wsl": {"mode": None}}),
    ("wsl", {"firewall": {"default": None, "nft": None, "backends": {}}}),
    ("wsl", {"links": [], "addresses": [], "routes": [], "sysctls": {}}),
    ("vm1", {"firewall": {"default": None, "nft": None, "backends": {}}}),
    ("vm1", {"links": [], "addresses": [], "routes": [], "sysctls": {}}),
]
MAY_FAIL = {"machine.reachable", "wsl.running"}
"""With a healthy snapshot behind the holes, only that a machine is not seen is a failure."""


@settings(max_examples=150, deadline=None)
@given(
    base=st.sampled_from(["seed", "done"]),
    missing=st.sets(st.sampled_from(READINGS)),
    unseen=st.sets(st.sampled_from(MACHINES)),
    silent=st.sets(st.sampled_from(MACHINES)),
)
def test_any_facts_missing(
    snapshot: Callable[..., Snapshot],
    base: str,
    missing: set[tuple[str, str]],
    unseen: set[str],
    silent: set[str],
) -> None:
    whole = snapshot(base)
    facts = {
        name: replace(value, **{fact: None for machine, fact in missing if machine == name})
        for name, value in whole.facts.items()
        if name not in unseen | silent
    }
    reasons = {name: Unseen("unreachable", "no answer") for name in sorted(unseen)}
    holed = Snapshot(whole.inventory, facts, reasons)
    findings = examine(holed)
    assert not [one.to_json() for one in findings if one.status is Status.CRASH]
    assert {check.code for check in discover()} == {one.code for one in findings}
    if base == "done":
        assert {one.code for one in findings if one.status is Status.FAIL} <= MAY_FAIL
    folded = Diagnosis(holed.inventory, findings).folded()
    assert sum(1 + len(one.explains) for one in folded) == len(findings)


@pytest.mark.parametrize("base", ["seed", "done"])
@pytest.mark.parametrize(("machine", "hole"), INNER)
def test_holes_inside_a_fact(
    snapshot: Callable[..., Snapshot], base: str, machine: str, hole: dict[str, object]
) -> None:
    findings = examine(snapshot(base, {"facts": {machine: hole}}))
    assert not [one.to_json() for one in findings if one.status is Status.CRASH]


def test_an_inventory_with_windows_alone(snapshot: Callable[..., Snapshot]) -> None:
    alone = snapshot(
        "seed",
        {
            "machines": dict.fromkeys(("lan", "wsl", "vm1", "vm2")),
            "facts": dict.fromkeys(("lan", "wsl", "vm1", "vm2")),
            "wish": None,
        },
    )
    findings = examine(alone)
    assert {one.machine for one in findings} == {"windows"}
    assert {one.status for one in findings} <= {Status.OK, Status.SKIP, Status.WARN}
