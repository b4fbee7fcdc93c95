"""A reboot while a run waits for its confirmation gives the old state at once, before any timer.

Old is what the same reboot gives without the run. What a run leaves on a disk is there and does nothing.
"""

from __future__ import annotations

import subprocess
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from tests.lab.canonical.snapshot import Snapshot, differences, take

from wslnet.app.execute import execute
from wslnet.app.inventory_file import load_inventory
from wslnet.app.result import Result
from wslnet.app.setup import Prepared
from wslnet.engine.gather import gather
from wslnet.engine.planner import make_plan
from wslnet.model.machine import Wish
from wslnet.profiles.modes import SetupOptions
from wslnet.resources.persistent_file import Form, PersistentFile
from wslnet.resources.sysctl import Sysctl
from wslnet.transport.connections import Connections

from .stage import WSLNET, Stage, raise_mirrored, run

if TYPE_CHECKING:
    from collections.abc import Callable

    from wslnet.app.result import RunResult

pytestmark = [pytest.mark.lab, pytest.mark.timeout(400)]

SETUP = ("setup", "--mirrored", "--yes")
WINDOW_S = 150
STARTED_S = 30
HOOKS = "/etc/network/if-up.d"
HOOK = f"{HOOKS}/wslnet-routes"
ROUTE = "10.99.0.0/16"


@pytest.fixture(scope="module")
def stage(story_lab: Any) -> Stage:
    return raise_mirrored(story_lab, SETUP)


def reboot(lab: Any, machine: str) -> None:
    """Reboots it and starts the VMs that stay off, as their owner would, and the hooks of their start."""
    command = [WSLNET, "lab", "reboot", "--name", lab.name, machine]
    subprocess.run(command, check=True, capture_output=True, timeout=90)
    for host, vm in (("wsl", "vm1"), ("vm1", "vm2")):
        listens(lab, host)
        if machine == host or (machine == "wsl" and host == "vm1"):
            done = lab.run(host, ["virsh", "start", vm])
            assert done.returncode == 0, done.stderr
        listens(lab, vm)


def listens(lab: Any, machine: str) -> None:
    until = time.monotonic() + STARTED_S
    while ":22 " not in lab.outside(machine, ["ss", "-Hltn"]).stdout:
        assert time.monotonic() < until, f"{machine} does not come up"
        time.sleep(0.1)


def of(snapshot: Snapshot, machine: str) -> Snapshot:
    return Snapshot({name: part for name, part in snapshot.parts.items() if name.startswith(f"{machine} ")})


def assert_same(one: Snapshot, other: Snapshot) -> None:
    found = differences(one, other)
    assert not found, "\n".join(found)


def starts(lab: Any) -> str:
    """What the hooks of vm1 do when it starts: its route, if it is there then."""
    done = lab.run("vm1", ["run-parts", HOOKS])
    assert done.returncode == 0, done.stderr
    return str(lab.outside("vm1", ["ip", "route", "show", ROUTE]).stdout)


@pytest.mark.parametrize("machine", [pytest.param("vm1", marks=pytest.mark.full), "wsl"])
def test_a_reboot_in_the_window_gives_the_old_state(
    stage: Stage, machine: str, campaign: Callable[..., None]
) -> None:
    lab = stage.lab
    reboot(lab, machine)
    old = take(lab)
    began = time.monotonic()
    said = run(lab, *SETUP, "--confirm-within", f"{WINDOW_S}s")
    assert said["result"] == "pending", said
    assert differences(of(old, machine), of(take(lab), machine)), "nothing of the run was there to lose"
    reboot(lab, machine)
    assert_same(of(old, machine), of(take(lab), machine))
    assert time.monotonic() - began < WINDOW_S, "the guards had their chance"
    late = run(lab, "confirm", said["run"])
    assert (late["result"], late["left"]) == ("rolled-back", []), late
    assert_same(old, take(lab))
    campaign("reboot in the window", 1, machine)


def left_on_disk(lab: Any, confirm_within: float | None) -> RunResult:
    """A run that leaves a hook on the disk of vm1, beside a change of the running system."""
    inventory = replace(load_inventory(lab.inventory), wish=Wish())
    resources = (
        PersistentFile("vm1", HOOK, Form.SCRIPT, f"ip route replace blackhole {ROUTE}\n", "test"),
        Sysctl("vm1", "net.ipv4.conf.default.rp_filter", "1", "test"),
    )
    with Connections(inventory) as fleet:
        snapshot = gather(fleet, {"vm1": frozenset({"files", "sysctls"})})
        plan = make_plan(snapshot, resources)
        assert len(plan.changes) == len(resources)
        prepared = Prepared(fleet, SetupOptions(), snapshot, resources, plan, lambda _: ())
        return execute(prepared, lambda _machine, _text: None, confirm_within=confirm_within)


def test_what_a_run_left_on_the_disk_does_nothing_before_its_confirmation(
    stage: Stage, campaign: Callable[..., None]
) -> None:
    lab = stage.lab
    lab.outside("vm1", ["sysctl", "-qw", "net.ipv4.conf.default.rp_filter=0"])
    reboot(lab, "vm1")
    old = take(lab)
    said = left_on_disk(lab, WINDOW_S)
    assert said.result is Result.PENDING, said.reason
    reboot(lab, "vm1")
    assert differences(old, take(lab)), "the hook lies there"
    assert starts(lab) == ""
    late = run(lab, "confirm", str(said.run))
    assert (late["result"], late["left"]) == ("rolled-back", []), late
    assert_same(old, take(lab))
    campaign("reboot in the window", 1, "inert hook")


def test_what_was_confirmed_starts_with_the_machine_and_undo_takes_it_away(
    stage: Stage, campaign: Callable[..., None]
) -> None:
    lab = stage.lab
    old = take(lab)
    said = left_on_disk(lab, WINDOW_S)
    assert starts(lab) == ""
    assert run(lab, "confirm", str(said.run))["result"] == "committed"
    reboot(lab, "vm1")
    assert starts(lab) != ""
    assert run(lab, "undo", "--yes")["left"] == []
    reboot(lab, "vm1")
    assert_same(old, take(lab))
    campaign("reboot in the window", 1, "confirmed hook")
