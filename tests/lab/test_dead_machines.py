"""Campaign 7 of issue 4: one machine of N is dead, at any phase of a run.

The others are untouched or rolled back, the exit code tells which, what is left is listed, nothing hangs; and
when the machine is back, `resume` ends in the old state.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.lab.canonical.snapshot import Snapshot, differences, take

from .asking import WSLNET, reboot
from .dead import machines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = [pytest.mark.lab, pytest.mark.timeout(1200)]

SPLITS = True
CONTROLLER = str(Path(__file__).parent / "dead" / "stopping_controller.py")
SETUP = ("setup", "--mirrored", "--allow", "tcp/8080@lan", "--yes", "--json")
PHASES = ("gather", "shown", "intent", "do", "read-back", "probes", "commit", "rollback")
BOUND_S = 360
"""The deadlines of a run and of its way back, one after the other: an op, the guards, ops to take back."""

DEATHS = {
    "frozen": (machines.freeze, machines.thaw, machines.TREE),
    "without power": (machines.cut_power, machines.give_power, ("vm1", "vm2")),
}
UNCHANGED = "vm2"
"""No change of the plan is on it."""


def wslnet(lab: Any, *arguments: str) -> tuple[int, dict[str, Any]]:
    command = [WSLNET, "--inventory", str(lab.inventory), *arguments, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=110, check=False)
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, json.loads(done.stdout)


@pytest.fixture(scope="module")
def old(story_lab: Any) -> tuple[Any, Snapshot]:
    """A lab in mirrored mode, freshly started, so that a start of any machine gives the old state again."""
    settings = story_lab.inventory.parent / "windows.json"
    wire = json.loads(settings.read_text(encoding="utf-8")) | {"wire": {"max_shells_per_user": 1000}}
    settings.write_text(json.dumps(wire), encoding="utf-8")
    assert wslnet(story_lab, "setup", "--mirrored", "--yes")[1]["result"] == "committed"
    reboot(story_lab, "wsl")
    machines.give_power(story_lab, "vm1")
    # A first run and its undo: what a look alone creates is there from now on.
    assert wslnet(story_lab, *SETUP[:-1])[1]["result"] == "committed"
    assert wslnet(story_lab, "undo", "--yes")[0] == 0
    return story_lab, take(story_lab)


def run_until(lab: Any, phase: str, machine: str, die: Callable[[], None]) -> tuple[int, dict[str, Any]]:
    """Runs the program; the machine dies when it has come to the phase. Gives exit code and what it said."""
    if phase == "gather":
        die()
    about = "-" if machine == UNCHANGED or phase == "commit" else machine
    words = [*([WSLNET] if phase == "gather" else [sys.executable, CONTROLLER, phase, about])]
    command = [*words, "--inventory", str(lab.inventory), *SETUP]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run:
        try:
            if phase != "gather":
                wait_stopped(run)
                die()
                run.send_signal(signal.SIGCONT)
            out, err = run.communicate(timeout=BOUND_S)
        finally:
            run.kill()
    assert "Traceback" not in err, err
    return run.returncode, json.loads(out)


def wait_stopped(run: subprocess.Popen[str]) -> None:
    until = time.monotonic() + 60
    stat = Path(f"/proc/{run.pid}/stat")
    while stat.read_text().rpartition(")")[2].split()[0] != "T":
        if run.poll() is not None or time.monotonic() > until:
            run.kill()
            pytest.fail(f"the phase never came: {run.communicate()}")
        time.sleep(0.02)


def judge(code: int, said: dict[str, Any], phase: str, machine: str) -> str:
    """The exit code must be that of the contract, and fit what is said; gives the end in a word."""
    dead = machines.at_and_below(machine)
    if code == 20:
        assert phase in {"gather", "shown", "intent", "do"}, said
        assert said["error"]["machine"] in dead
        return "unreachable"
    assert phase != "gather", said
    if code == 1:
        # A VM that goes down changes its host, too: what is read again under the lock is not the plan's.
        assert said["error"]["code"] == "plan-refused", said
        assert "nothing was changed" in said["error"]["message"], said
        return "refused"
    if code == 21:
        assert said["left"], said
        assert all(one.partition(":")[0] in dead for one in said["left"]), said["left"]
        return "incomplete"
    if code == 0:
        assert (said["result"], phase, machine) == ("committed", "commit", UNCHANGED)
        return "committed"
    assert (code, said["result"], said["left"]) == (12, "rolled-back", []), said
    return "rolled back"


def unlike(old: Snapshot, lab: Any, names: tuple[str, ...]) -> list[str]:
    """What is not as it was on these machines."""
    found = take(lab)
    kept = [
        Snapshot({name: part for name, part in one.parts.items() if name.partition(" ")[0] in names})
        for one in (old, found)
    ]
    return differences(*kept)


def cells() -> Iterator[Any]:
    for death, (_, _, mortal) in DEATHS.items():
        for machine in mortal:
            for phase in PHASES:
                ordinary = (death, machine, phase) in {
                    ("without power", "vm1", "intent"),
                    ("without power", "vm2", "commit"),
                    ("frozen", "wsl", "gather"),
                }
                yield pytest.param(death, machine, phase, marks=[] if ordinary else [pytest.mark.full])


@pytest.mark.parametrize(("death", "machine", "phase"), list(cells()))
def test_one_machine_dies(
    old: tuple[Any, Snapshot], campaign: Callable[..., None], death: str, machine: str, phase: str
) -> None:
    lab, before = old
    kill, revive, _ = DEATHS[death]
    dead = machines.at_and_below(machine)
    try:
        began = time.monotonic()
        code, said = run_until(lab, phase, machine, lambda: kill(lab, machine))
        seconds = time.monotonic() - began
        end = judge(code, said, phase, machine)
        living = tuple(name for name in machines.TREE if name not in dead)
        # A VM without power takes its port of the bridge with it: then they are judged when it is back.
        others = [] if end == "committed" or death != "frozen" else unlike(before, lab, living)
    finally:
        revive(lab, machine)
    if end != "committed":
        assert (others or unlike(before, lab, living)) == [], end
    code, settled = wslnet(lab, "undo", "--yes") if end == "committed" else wslnet(lab, "resume")
    assert code in {0, 12}, settled
    assert (settled["result"] == "unchanged") == (end in {"unreachable", "refused", "rolled back"}), settled
    assert unlike(before, lab, machines.TREE) == [], end
    campaign(f"dead-machine {phase}", 1, end)
    campaign(
        "dead-machine seconds", 1, f"in {'60' if seconds < 60 else '180' if seconds < 180 else BOUND_S} s"
    )
