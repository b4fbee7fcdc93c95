"""Commands of the pipeline itself and Get-Command, over rows of a provider."""

from typing import Any

import pytest

from wslnet_lab.host.contract import PlainObject


def notes_of(machine: Any) -> list[dict[str, object]]:
    return [dict(item.notes) for item in machine.seen.outputs]


def test_measure_counts_and_adds(machine: Any) -> None:
    machine.pipe(("Get-NetRoute", {}), ("Measure-Object", {}))
    [result] = machine.seen.outputs
    assert (result.properties["Count"], result.properties["Sum"]) == (2, None)
    machine.pipe(("Get-NetRoute", {}), ("Measure-Object", {"Property": "RouteMetric", "Sum": True}))
    [result] = machine.seen.outputs
    assert (result.properties["Count"], result.properties["Sum"]) == (2, 256)


def test_measure_counts_nothing(bare_machine: Any) -> None:
    bare_machine.pipe(("Get-NetRoute", {}), ("Measure-Object", {}))
    [result] = bare_machine.seen.outputs
    assert result.properties["Count"] == 0


def test_select_makes_notes_and_a_type_name(machine: Any) -> None:
    machine.pipe(("Get-NetRoute", {}), ("Select-Object", {"Property": ["nexthop", "Gone"]}))
    assert notes_of(machine) == [
        {"NextHop": "172.20.0.1", "Gone": None},
        {"NextHop": "172.20.0.2", "Gone": None},
    ]
    names = {item.type_names[0] for item in machine.seen.outputs}
    assert names == {"Selected.Microsoft.Management.Infrastructure.CimInstance"}


def test_select_by_pattern(machine: Any) -> None:
    machine.pipe(("Get-NetRoute", {"NextHop": "172.20.0.1"}), ("Select-Object", {"Property": "*Metric"}))
    assert notes_of(machine) == [{"RouteMetric": 0}]


@pytest.mark.parametrize(
    ("arguments", "keys"),
    [
        ({"First": 1}, ["r1"]),
        ({"Last": 1}, ["r2"]),
        ({"Skip": 1}, ["r2"]),
        ({"First": 0}, []),
    ],
)
def test_select_some(machine: Any, arguments: dict[str, object], keys: list[str]) -> None:
    machine.pipe(("Get-NetRoute", {}), ("Select-Object", arguments))
    assert machine.keys == keys


def test_select_expands(machine: Any) -> None:
    machine.pipe(("Get-NetRoute", {}), ("Select-Object", {"ExpandProperty": "NextHop"}))
    assert machine.seen.outputs == ["172.20.0.1", "172.20.0.2"]


def test_sort_numbers_as_numbers(bare_machine: Any) -> None:
    for key, metric in (("a", 10), ("b", 9), ("c", 10)):
        bare_machine.add("MSFT_NetRoute", key, RouteMetric=metric)
    bare_machine.pipe(("Get-NetRoute", {}), ("Sort-Object", {"Property": "RouteMetric"}))
    assert bare_machine.keys == ["b", "a", "c"]
    bare_machine.pipe(
        ("Get-NetRoute", {}), ("Sort-Object", {"Property": "RouteMetric", "Unique": True, "Descending": True})
    )
    assert bare_machine.keys == ["a", "b"]


@pytest.mark.parametrize(
    ("arguments", "keys"),
    [
        ({"Property": "NextHop", "Value": "172.20.0.1", "EQ": True}, ["r1"]),
        ({"Property": "NextHop", "Value": "172.20.0.1", "NE": True}, ["r2"]),
        ({"Property": "RouteMetric", "Value": 9, "GT": True}, ["r2"]),
        ({"Property": "RouteMetric", "Value": 9, "LT": True}, ["r1"]),
        ({"Property": "NextHop", "Value": "*.2", "Like": True}, ["r2"]),
        ({"Property": "NextHop", "Value": "\\.1$", "Match": True}, ["r1"]),
        ({"Property": "RouteMetric"}, ["r2"]),
    ],
)
def test_where_compares(machine: Any, arguments: dict[str, object], keys: list[str]) -> None:
    outcome = machine.pipe(("Get-NetRoute", {}), ("Where-Object", arguments))
    assert (outcome.state, machine.keys) == ("Completed", keys)


def test_where_runs_no_script_block(machine: Any) -> None:
    outcome = machine.pipe(("Get-NetRoute", {}), ("Where-Object", {"FilterScript": "$_.NextHop"}))
    assert (outcome.state, machine.seen.outputs) == ("Failed", [])


def test_out_default_passes_on(machine: Any) -> None:
    machine.pipe(("Get-NetRoute", {}), ("Out-Default", {}))
    assert machine.keys == ["r1", "r2"]


def test_get_command_tells_what_is_there_and_what_is_not(machine: Any) -> None:
    machine.call("Get-Command", Name=["get-netroute", "Get-VMSwitch", "*-Nothing"])
    [found] = machine.seen.outputs
    assert isinstance(found, PlainObject)
    assert found.properties["Name"] == "Get-NetRoute"
    assert (found.properties["CommandType"], found.properties["Source"]) == ("Function", "NetTCPIP")
    assert machine.ids == ["CommandNotFoundException,Microsoft.PowerShell.Commands.GetCommandCommand"]
    assert machine.seen.errors[0].target_name == "Get-VMSwitch"


def test_get_command_by_module_and_kind(machine: Any) -> None:
    machine.call("Get-Command", Module="NetNat", CommandType="Function")
    modules = {item.properties["Source"] for item in machine.seen.outputs}
    assert modules == {"NetNat"}
    assert len(machine.seen.outputs) == 7
    machine.call("Get-Command", Module="NetNat", CommandType="Cmdlet")
    assert machine.seen.outputs == []
