"""Which pairs a change of WSL's mode ends by its nature, and which must go on."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from wslnet.engine.gather import decode
from wslnet.engine.regression import contradictions
from wslnet.model.allow import Allow
from wslnet.model.machine import Inventory, Kind, Machine, Wish
from wslnet.model.probe import Measured
from wslnet.model.regression import (
    Baseline,
    baseline_from_json,
    candidates,
    key_of,
    stops_with_mode,
    worked,
)
from wslnet.model.snapshot import Snapshot

FOLDER = Path(__file__).parents[2] / "cases" / "snapshots"


def stored(name: str) -> Snapshot:
    whole = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    machines = {
        one: Machine(one, Kind(given["kind"]), **{key: given[key] for key in given if key != "kind"})
        for one, given in whole["machines"].items()
    }
    facts = {one: decode(machines[one].kind, one, value) for one, value in whole["facts"].items()}
    return Snapshot(Inventory(Path("wslnet.toml"), Path("state"), machines, Wish()), facts)


NAT, MIRRORED = stored("nat"), stored("mirrored")
ALL = {(probe.source, probe.target) for probe in candidates(NAT)}
KEYS = {key_of(probe) for snapshot in (NAT, MIRRORED) for probe in candidates(snapshot)}


def test_every_pair_of_machines_is_a_candidate_but_what_windows_has_no_route_to() -> None:
    names = set(NAT.inventory.machines)
    beyond = {("windows", "vm1"), ("windows", "vm2")}
    assert {(one, other) for one in names for other in names if one != other} - beyond == ALL
    routes = [*(NAT.windows.routes or ()), *(NAT.windows.routes or ())[:1]] if NAT.windows else []
    to_vms = replace(routes[-1], dst="192.168.122.0/24")
    facts = replace(NAT.windows, routes=(*routes[:-1], to_vms))  # type: ignore[type-var]
    routed = replace(NAT, facts={**NAT.facts, "windows": facts})
    assert ("windows", "vm1") in {(probe.source, probe.target) for probe in candidates(routed)}


def test_an_allowed_port_is_a_candidate_as_the_lan_sees_it() -> None:
    found = [probe for probe in candidates(MIRRORED, (Allow("tcp", 8080),)) if probe.proto == "tcp"]
    assert [(one.source, one.target, one.port, one.expected) for one in found] == [("lan", "wsl", 8080, None)]


@pytest.mark.parametrize(("before", "after"), [(NAT, MIRRORED), (MIRRORED, NAT)])
def test_only_what_the_mode_itself_decides_may_stop_with_it(before: Snapshot, after: Snapshot) -> None:
    stopping = {pair for pair in ALL if stops_with_mode(before.mode, after, *pair)}
    from_lan = {("lan", "wsl"), ("lan", "vm1"), ("lan", "vm2")}
    to_windows = {("wsl", "windows"), ("vm1", "windows"), ("vm2", "windows")}
    assert stopping == from_lan | to_windows


@pytest.mark.parametrize("one", [NAT, MIRRORED])
def test_in_the_same_mode_nothing_may_stop(one: Snapshot) -> None:
    assert not any(stops_with_mode(one.mode, one, *pair) for pair in ALL)
    assert {key_of(probe) for probe in Baseline(one.mode, tuple(KEYS)).probes(one)} == {
        key_of(p) for p in candidates(one)
    }


def test_a_pair_is_probed_where_it_is_now_and_only_if_it_worked() -> None:
    reached = (("windows", "wsl", "ssh", 22), ("wsl", "lan", "icmp", None))
    found = {key_of(probe): probe for probe in Baseline("nat", reached).probes(MIRRORED)}
    assert set(found) == set(reached)
    assert found["windows", "wsl", "ssh", 22].address == "127.0.0.1"
    assert all(probe.expected and probe.kept for probe in found.values())


def test_a_pair_that_may_stop_is_left_out_in_that_direction_only() -> None:
    reached = (("vm1", "vm2", "icmp", None), ("vm2", "vm1", "icmp", None))
    before = Baseline("nat", reached, (("vm1", "vm2"),))
    found = before.probes(NAT)
    assert baseline_from_json(json.loads(json.dumps(before.to_json()))) == before
    assert [key_of(probe) for probe in found] == [("vm2", "vm1", "icmp", None)]


def test_the_reason_names_the_pair_and_the_way_to_let_it_stop() -> None:
    (probe,) = Baseline("nat", (("wsl", "lan", "icmp", None),)).probes(NAT)
    assert contradictions([Measured(probe, ok=True)]) is None
    assert contradictions([Measured(probe, ok=None, detail="no machine")]) is None
    said = contradictions([Measured(probe, ok=False, detail="timeout")]) or ""
    assert "worked before" in said
    assert "--allow-regression" in said
    assert "wsl -> lan icmp: timeout" in said
    assert Measured(probe, ok=False).to_verify()["worked_before"] is True


def test_what_was_not_reached_or_not_measured_guards_nothing() -> None:
    probes = candidates(NAT)[:3]
    measured = [Measured(one, ok) for one, ok in zip(probes, (True, False, None), strict=True)]
    assert worked(measured) == (key_of(probes[0]),)
