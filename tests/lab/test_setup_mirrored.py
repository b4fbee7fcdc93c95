"""The main job, seen from outside the program: packets, files, exit codes and JSON of `setup --mirrored`.

Told twice: by a controller that reaches Windows over WinRM, and by one that runs on Windows itself.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from dataclasses import dataclass
from importlib.resources import files as files_of
from typing import TYPE_CHECKING, Any

import pytest

from .asking import WSLNET, lab_calls
from .conftest import RunningLab, labs
from .servers import greeting, greets, heard
from .write_rules import assert_alone_with_stop_and_key, writes

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.lab

HOST = "172.24.21.109"
VM2 = "192.168.124.91"
TO_VM1 = "192.168.122.1"
ALLOW = ("setup", "--mirrored", "--allow", "tcp/8080@lan", "--yes")


def wslnet(lab: Any, *arguments: str) -> tuple[int, dict[str, Any]]:
    """Runs the program against the lab and gives its exit code and its one JSON document."""
    command = [WSLNET, "--inventory", str(lab.inventory), *arguments, "--json"]
    if lab.bridge == "local":
        command[2] = str(lab.inventory.with_name("inventory-local.toml"))
        command = [WSLNET, "lab", "exec", "--name", lab.name, "windows", "--", *command]
    done = subprocess.run(command, capture_output=True, text=True, timeout=170, check=False)
    assert done.stdout, done.stderr
    assert "Traceback" not in done.stderr
    return done.returncode, json.loads(done.stdout)


@dataclass(frozen=True)
class Story(RunningLab):
    """A lab, and the bridge by which the controller of this telling speaks to Windows."""

    bridge: str


@pytest.fixture(scope="module", params=["winrm", "local"])
def story_lab(request: pytest.FixtureRequest) -> Iterator[Story]:
    with labs() as up:
        lab = up(f"t{os.getpid()}-main-{request.param}")
        yield Story(lab.name, lab.inventory, request.param)


def files(lab: Any) -> dict[str, tuple[bytes, int]]:
    """Bytes and times of what a second setup must not touch."""
    home = lab.root("windows") / "Users" / "owner"
    state = lab.inventory.parent / "controller"
    watched = [home / ".wslconfig", *sorted(state.rglob("*"))]
    return {str(file): (file.read_bytes(), file.stat().st_mtime_ns) for file in watched if file.is_file()}


def network(lab: Any, machine: str) -> str:
    """Links, addresses, routes, rules and saved rules without counters."""
    commands = [
        ["ip", "-o", "addr"],
        ["ip", "route", "show", "table", "all"],
        ["ip", "rule"],
        ["iptables-save"],
        ["sysctl", "net.ipv4.ip_forward"],
    ]
    said = "".join(lab.outside(machine, command).stdout for command in commands)
    lines = (line.partition(" [")[0] for line in said.splitlines() if not line.startswith("#"))
    return "\n".join(line for line in lines if "valid_lft" not in line)


def changing_calls(lab: Any) -> list[str]:
    """Names of cmdlets that write and programs that were run, from the lab's log."""
    done = subprocess.run(
        [WSLNET, "lab", "log", "--name", lab.name, "--json"],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    calls = json.loads(done.stdout)["calls"]
    names = [command["name"] for call in calls for command in call.get("commands") or ()]
    writes = [name for name in names if name.partition("-")[0] not in {"Get", "Test", "Select", "Find"}]
    programs = [" ".join(call["argv"]) for call in calls if call.get("argv") and "--shutdown" in call["argv"]]
    return writes + programs


def test_doctor_names_each_cause_before(story_lab: Any) -> None:
    code, said = wslnet(story_lab, "doctor")
    assert code == 11
    failing = {one["code"]: one for one in said["findings"] if one["status"] == "fail"}
    assert {"mode.actual", "route.nested", "nested.reject"} <= set(failing)
    assert any("vm1 filter FORWARD rule 7: REJECT" in line for line in failing["nested.reject"]["evidence"])
    assert "192.168.124.0/24" in json.dumps(failing["route.nested"])
    assert said["summary"]["crash"] == 0
    told = {one["code"]: one["status"] for one in said["findings"]}
    assert told["hyperv.inbound"] == "warn"
    assert told["forwarding.adapters"] == "warn"


def test_a_dry_run_shows_the_plan_and_changes_nothing(story_lab: Any) -> None:
    before = files(story_lab)
    code, plan = wslnet(story_lab, "setup", "--mirrored", "--allow", "tcp/8080@lan", "--dry-run")
    assert code == 10
    changes = [(one["stage"], one["machine"], one["action"]) for one in plan["changes"]]
    assert changes[0] == (1, "windows", "change")
    assert (2, "windows", "restart") in changes
    assert {("wsl", "add"), ("vm1", "add")} <= {
        (machine, action) for stage, machine, action in changes if stage == 2
    }
    assert all(one["why"] and one["rows"] for one in plan["changes"])
    assert any("Debian" in line for line in plan["cut"])
    assert any("vm2" in line for line in plan["cut"])
    assert files(story_lab) == before
    assert changing_calls(story_lab) == []


def test_without_yes_and_without_a_terminal_nothing_is_done(story_lab: Any) -> None:
    code, said = wslnet(story_lab, "setup", "--mirrored")
    assert (code, said["error"]["code"]) == (2, "bad-input")
    assert changing_calls(story_lab) == []


@pytest.mark.row("S0-07", "S0-24", "S0-43")
def test_setup_connects_what_was_cut(story_lab: Any) -> None:
    config = story_lab.root("windows") / "Users" / "owner" / ".wslconfig"
    bytes_before = config.read_bytes()
    assert not story_lab.pings("wsl", VM2)
    code, said = wslnet(story_lab, *ALLOW)
    assert (code, said["result"]) == (0, "committed"), said
    assert {one["outcome"] for one in said["changes"]} == {"done"}
    assert config.read_bytes() == bytes_before.replace(b"networkingMode=nat", b"networkingMode=mirrored")
    assert story_lab.pings("wsl", VM2)
    assert story_lab.pings("vm2", TO_VM1)
    assert greets(story_lab, "wsl", VM2)
    assert greets(story_lab, "vm2", TO_VM1)
    measured = {(one["from"], one["to"], one["proto"]): one["measured"] for one in said["verify"]}
    assert measured["lan", "wsl", "tcp"] is True
    assert said["unverified"] == []


@pytest.mark.row("S3-09", "S3-01", "S1-25")
def test_only_the_allowed_port_is_open_to_the_lan(story_lab: Any) -> None:
    with (
        greeting(story_lab, "wsl", "0.0.0.0", 8080, "wsl 8080"),
        greeting(story_lab, "wsl", "0.0.0.0", 9090, "wsl 9090"),
    ):
        for _ in range(6):  # a new listener is felt within a second
            if heard(story_lab, "lan", HOST, 8080) == "wsl 8080":
                break
            time.sleep(0.25)
        assert heard(story_lab, "lan", HOST, 8080) == "wsl 8080"
        assert heard(story_lab, "lan", HOST, 9090) is None
        assert heard(story_lab, "wsl", HOST, 9090) == "wsl 9090"


@pytest.mark.row("S4-32", "S3-44")
def test_the_same_command_again_changes_and_writes_nothing(story_lab: Any) -> None:
    machines = ("wsl", "vm1", "vm2")
    before = (
        files(story_lab),
        {name: network(story_lab, name) for name in machines},
        changing_calls(story_lab),
    )
    code, said = wslnet(story_lab, *ALLOW)
    assert (code, said["result"], said["changes"]) == (0, "unchanged", [])
    # Proven by servers of a moment: on an own port for Windows, on the allowed one for the LAN.
    reached = {(one["from"], one["port"]) for one in said["verify"] if one["measured"] is True}
    assert {("windows", 54321), ("lan", 8080)} <= reached
    assert ":54321" not in story_lab.outside("wsl", ["ss", "-Hltn"]).stdout
    after = files(story_lab), {name: network(story_lab, name) for name in machines}, changing_calls(story_lab)
    assert after == before


def test_doctor_finds_nothing_wrong_after(story_lab: Any) -> None:
    code, said = wslnet(story_lab, "doctor")
    wrong = [one for one in said["findings"] if one["status"] in {"fail", "crash"}]
    assert (code, wrong) == (0, [])


@pytest.mark.row("S1-27")
def test_the_matrix_is_as_wished_after(story_lab: Any) -> None:
    code, said = wslnet(story_lab, "matrix")
    assert code == 0
    wished = [one for one in said["pairs"] if one["expected"]]
    assert len(wished) == 12
    assert all(one["ok"] for one in wished)


COMMON = {"ErrorAction", "WarningAction", "InformationAction", "Verbose", "Debug"}


def test_every_call_fits_the_cmdlets_metadata(story_lab: Any) -> None:
    oracle = json.loads(files_of("wslnet_win_agent").joinpath("cmdlets.json").read_text("utf-8"))["cmdlets"]
    called = [call for call in lab_calls(story_lab) if call["kind"] == "psrp"]
    said = [command for call in called for command in call["commands"]]
    assert said
    for command in said:
        assert not command["script"]
        signature = oracle[command["name"]]
        named = set(command["parameters"])
        asks = {"Confirm", "WhatIf"} if signature["should_process"] else set()
        assert named <= set(signature["parameters"]) | COMMON | asks, command


def test_every_write_stood_alone_with_stop_and_its_key(story_lab: Any) -> None:
    calls = lab_calls(story_lab)
    assert writes(calls)
    assert_alone_with_stop_and_key(calls)
