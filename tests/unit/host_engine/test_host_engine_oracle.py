"""The oracle as package data, its readings, and the small tables beside it."""

import json
import os
import subprocess
import sys
from importlib import resources, util
from pathlib import Path
from typing import Any

import pytest

from wslnet_lab.host.engine import reading_of
from wslnet_lab.host.engine.signatures import READINGS, load_oracle
from wslnet_lab.host.engine.types import Kind
from wslnet_lab.host.engine.wildcards import is_pattern, matches

ROOT = Path(__file__).parents[3]
SHARED = Path(os.environ.get("WSLNET_SHARED", ROOT.parent / "shared"))
ORACLE = SHARED / "facts" / "cmdlets.json"
TRIM = ROOT / "scripts" / "trim_cmdlets.py"


def _trim_module() -> Any:
    spec = util.spec_from_file_location("trim_cmdlets", TRIM)
    assert spec is not None
    assert spec.loader is not None
    module = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.corpus
@pytest.mark.skipif(not ORACLE.is_file(), reason="../shared/facts is not there")
@pytest.mark.parametrize("package", ["wslnet_lab.host.engine", "wslnet_win_agent"])
def test_package_data_is_the_trimmed_oracle(package: str) -> None:
    module = _trim_module()
    oracle = json.loads(ORACLE.read_text("utf-8"))
    held = resources.files(package).joinpath("cmdlets.json").read_text("utf-8")
    assert held == module.render(module.trim(oracle))


def test_trim_names_a_missing_oracle(tmp_path: Path) -> None:
    missing = tmp_path / "none.json"
    done = subprocess.run(
        [sys.executable, TRIM, missing], capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 2
    assert str(missing) in done.stderr
    assert done.stderr.count("\n") == 1


def test_every_command_is_there() -> None:
    assert len(load_oracle("all").commands) == 128


def test_readings_differ_as_the_machines_did() -> None:
    counts = {reading: len(load_oracle(reading).commands) for reading in READINGS}
    assert counts == {"all": 128, "win11": 123, "win11-early": 121, "win11-21h2": 106, "win2016": 110}
    rule = load_oracle("win11").command("New-NetFirewallRule")
    older = load_oracle("win2016").command("new-netfirewallrule")
    assert rule is not None
    assert older is not None
    assert {"PolicyAppId", "PackageFamilyName"} <= set(rule.parameters) - set(older.parameters)


def test_unknown_reading() -> None:
    with pytest.raises(ValueError, match="win95"):
        load_oracle("win95")


@pytest.mark.parametrize(
    ("build", "reading"),
    [
        (14393, "win2016"),
        (19045, "win2016"),
        (22000, "win11-21h2"),
        (22621, "win11-early"),
        (22631, "win11"),
        (26100, "win11"),
    ],
)
def test_reading_of_a_build(build: int, reading: str) -> None:
    assert reading_of(build) == reading


def test_types_are_all_known() -> None:
    """Only types that the stand-ins of the corpus left open too take anything."""
    commands = load_oracle("all").commands.values()
    open_names = {
        parameter.type.name
        for command in commands
        for parameter in command.parameters.values()
        if parameter.type.kind is Kind.OBJECT
    }
    assert open_names == {"System.Object", "System.Management.Automation.PSObject"}


@pytest.mark.parametrize(
    ("command", "queries"),
    [
        ("Remove-NetRoute", {"DestinationPrefix", "NextHop", "InterfaceIndex"}),
        ("Get-ScheduledTask", {"TaskName", "TaskPath"}),
        ("Set-NetIPInterface", {"InterfaceAlias", "InterfaceIndex", "AddressFamily"}),
    ],
)
def test_selectors_are_queries(command: str, queries: set[str]) -> None:
    signature = load_oracle("all").command(command)
    assert signature is not None
    assert queries <= {name for name, parameter in signature.parameters.items() if parameter.query}


@pytest.mark.parametrize(
    ("command", "written"),
    [
        ("New-NetFirewallHyperVRule", {"LocalPorts", "RemoteAddresses"}),
        ("Set-DnsClientServerAddress", {"ServerAddresses"}),
        ("Set-NetFirewallRule", {"LocalPort", "Profile", "NewDisplayName"}),
    ],
)
def test_what_is_written_is_no_query(command: str, written: set[str]) -> None:
    signature = load_oracle("all").command(command)
    assert signature is not None
    assert not written & {name for name, parameter in signature.parameters.items() if parameter.query}


@pytest.mark.parametrize(
    ("pattern", "text", "same"),
    [
        ("a*", "ABC", True),
        ("a?c", "abc", True),
        ("a?c", "abbc", False),
        ("[a-c]x", "bx", True),
        ("[a-c]x", "dx", False),
        ("[^a]x", "^x", True),
        ("`[a`]", "[a]", True),
        ("`*", "*", True),
        ("`*", "x", False),
        ("a.c", "abc", False),
        ("50%_(x)'", "50%_(X)'", True),
        ("[", "[", True),
    ],
)
def test_wildcards(pattern: str, text: str, same: bool) -> None:  # noqa: FBT001 - a column of the table
    assert matches(pattern, text) is same


@pytest.mark.parametrize(("text", "pattern"), [("a*", True), ("a`*", False), ("a``*", True), ("[x", True)])
def test_what_is_a_pattern(text: str, pattern: bool) -> None:  # noqa: FBT001 - a column of the table
    assert is_pattern(text) is pattern
