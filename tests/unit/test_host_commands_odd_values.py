"""Values that fit a parameter and no model: refused by name, never a fault in Python or in the state."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from wslnet_lab.host.contract import Argument, CimInstance, Invocation, PlainObject
from wslnet_lab.host.local_session import LocalSession

if TYPE_CHECKING:
    from pathlib import Path

LONG = "a" * 300
RULE = {"Name": "wslnet-odd", "DisplayName": "odd", "VMCreatorId": "{40E0AC32-46A5-438A-A0B2-2B479E8F2E90}"}


@pytest.fixture
def desk(tmp_path: Path) -> LocalSession:
    return LocalSession(tmp_path)


def test_a_written_value_that_its_class_does_not_have_spoils_no_reading(desk: LocalSession) -> None:
    index = desk.run("Get-NetIPInterface").rows()[-1]["InterfaceIndex"]
    assert desk.run("Set-NetIPInterface", {"InterfaceIndex": index, "ClampMss": "Enabled"}).ids == []
    assert desk.run("Get-NetIPInterface").ids == []


def test_an_instance_in_a_rule_spoils_no_later_rule(desk: LocalSession) -> None:
    made = CimInstance("ROOT/StandardCimv2", "MSFT_X", {})
    (refused,) = desk.run("New-NetFirewallHyperVRule", {**RULE, "PortStatuses": [made]}).ids
    assert refused == "Windows System Error 87,New-NetFirewallHyperVRule"
    assert desk.run("New-NetFirewallHyperVRule", RULE).ids == []


def test_a_list_where_a_rule_has_one_name_is_taken(desk: LocalSession) -> None:
    given = {"DisplayName": "odd", "InterfaceAlias": ["Ethernet", "x*"]}
    assert desk.run("New-NetFirewallRule", given).ids == []
    assert desk.run("New-NetFirewallHyperVRule", RULE).ids == []


@pytest.mark.parametrize("name", ["..\\..\\x", "/etc/x", "a b", LONG, "x*"])
def test_names_that_no_session_configuration_has(desk: LocalSession, name: str) -> None:
    given = {"Name": name, "Path": "C:\\x.pssc"}
    for command in ("Register-PSSessionConfiguration", "Unregister-PSSessionConfiguration"):
        wanted = given if command.startswith("Reg") else {"Name": name}
        assert len(desk.run(command, wanted).ids) == 1


@pytest.mark.parametrize("path", [f"C:\\{LONG}", f"C:\\{LONG}\\x", "C:\\a\0b", "C:\\Windows"])
def test_paths_that_no_file_has(desk: LocalSession, path: str) -> None:
    for command, more in (("Get-Content", {}), ("Set-Content", {"Value": "x"})):
        assert len(desk.run(command, {"LiteralPath": path, **more}).ids) == 1
    if path != "C:\\Windows":
        assert desk.run("Test-Path", {"LiteralPath": path}).outputs == [False]


def test_objects_that_are_no_services(desk: LocalSession) -> None:
    piped = (PlainObject(("a",), {"x": 1}), PlainObject(("a",), {}, to_string="none"))
    screen = desk.pipe(Invocation("Stop-Service", (Argument("Confirm", False),), pipeline_input=piped))  # noqa: FBT003 - a value
    assert all(each.startswith("NoServiceFoundForGivenName,") for each in screen.ids)
    assert screen.ids


def test_sets_without_a_model_say_so(desk: LocalSession) -> None:
    given = {"Path": "HKLM:\\SOFTWARE", "InputObject": PlainObject(("a",), {"x": 1})}
    for command, wanted in (
        ("Set-ItemProperty", given),
        ("Register-PSSessionConfiguration", {"Name": "wslnet-x"}),
    ):
        (refused,) = desk.run(command, wanted).ids
        assert refused.startswith("NotSupported,")
