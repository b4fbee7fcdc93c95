"""`setup --open-all`: the one way to a Hyper-V firewall that lets everything in, and how it is read back."""

from __future__ import annotations

from pathlib import Path

import pytest

from wslnet.engine.planner import make_plan
from wslnet.model.linux_facts import LinuxFacts, WslInfo
from wslnet.model.machine import Inventory, Kind, Machine, Wish
from wslnet.model.snapshot import Snapshot
from wslnet.model.windows_facts import HyperVFirewall, HyperVSetting, WindowsFacts
from wslnet.model.windows_wsl import WslConfigFile, WslService
from wslnet.profiles.mirrored import mirrored_resources
from wslnet.profiles.modes import SetupOptions

MACHINES = {
    "windows": Machine("windows", Kind.WINDOWS),
    "wsl": Machine("wsl", Kind.WSL, "windows", distro="Debian"),
}
SETTING = "hyperv-setting DefaultInboundAction"


def snapshot(active: str, stored: str | None) -> Snapshot:
    firewall = HyperVFirewall(
        supported=True,
        setting=HyperVSetting(default_inbound=active),
        stored_setting=None if stored is None else HyperVSetting(default_inbound=stored),
    )
    windows = WindowsFacts(
        interfaces=(),
        hyperv_firewall=firewall,
        wslconfig=WslConfigFile(r"C:\Users\owner\.wslconfig"),
        wsl=WslService(installed=True, running=True, mode="nat"),
    )
    inventory = Inventory(Path("wslnet.toml"), Path("state"), MACHINES, Wish("mirrored"))
    return Snapshot(inventory, {"windows": windows, "wsl": LinuxFacts(wsl=WslInfo("nat"))})


def planned(found: Snapshot, *, open_all: bool) -> list[tuple[str | None, str | None, object]]:
    options = SetupOptions(open_all=open_all)
    plan = make_plan(found, mirrored_resources(found, options), mode="mirrored")
    return [
        (one.before, one.after, one.undo.args["default_inbound_action"] if one.undo else None)
        for one in plan.changes
        if one.resource == SETTING
    ]


@pytest.mark.row("S3-08")
def test_everything_may_come_in_only_when_that_is_asked_for() -> None:
    assert planned(snapshot("Block", None), open_all=False) == []
    assert planned(snapshot("Block", None), open_all=True) == [("Block", "Allow", "NotConfigured")]


@pytest.mark.row("S3-12")
def test_what_is_in_force_counts_and_not_what_was_written() -> None:
    # A policy of the organisation keeps Block in force: what an administrator wrote does not make it open.
    assert planned(snapshot("Block", "Allow"), open_all=True) == [("Block", "Allow", "Allow")]
    assert planned(snapshot("Allow", "Block"), open_all=True) == []


def test_a_change_that_two_parts_of_a_wish_declare_is_made_once() -> None:
    twice = 2 * mirrored_resources(snapshot("Block", None), SetupOptions(open_all=True))
    plan = make_plan(snapshot("Block", None), twice, mode="mirrored")
    made = [change.id for change in plan.changes]
    assert len(made) == len(set(made)) > 1
