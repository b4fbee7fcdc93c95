"""Campaign 3 of issue 4: the link is cut at every step that can cut, and no controller is alive.

A step that can cut is a change of risk cuts-link. Here one stands behind every guarded change of a plan: of
one machine alone, and of the whole tree. The guards measure: back is the old state and SSH, T + 2 s.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.lab.canonical.snapshot import Snapshot, differences, take

from .asking import WSLNET
from .linkcut import bench
from .linkcut.hops import Hops, now

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .linkcut.bench import Cut

pytestmark = [pytest.mark.lab, pytest.mark.timeout(900)]

SPLITS = True
CONTROLLER = str(Path(__file__).parent / "linkcut" / "controller.py")
T_S = 2
BACK_S = 2.0
REPEATS = 20
START_S = 60.0
ORDINARY = {
    ("one machine", "wsl", "route-lost"),
    ("tree", "wsl", "drop-22"),
    ("tree", "vm1", "sshd-stopped"),
    ("tree", "vm1", "link-down"),
    ("tree", "vm2", "address-removed"),
}
SETUP = ("setup", "--mirrored", "--yes", "--confirm-within", f"{T_S}s", "--json")


def wslnet(lab: Any, *arguments: str, program: tuple[str, ...] = (WSLNET,)) -> tuple[int, dict[str, Any]]:
    command = [*program, "--inventory", str(lab.inventory), *arguments, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=110, check=False)
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, json.loads(done.stdout)


def unlike(old: Snapshot, lab: Any) -> list[str]:
    """What is not as it was; the guards' own files are left out: they lie there until they are settled."""
    found = take(lab)
    parts = {
        name: part for name, part in found.parts.items() if not any(f"/{one}" in name for one in bench.GUARDS)
    }
    return differences(old, Snapshot(parts))


@pytest.fixture(scope="module")
def mirrored(story_lab: Any) -> Any:
    assert wslnet(story_lab, "setup", "--mirrored", "--yes")[1]["result"] == "committed"
    # Each killed controller leaves its shells behind for a minute; nobody kills thirty a minute by hand.
    settings = story_lab.inventory.parent / "windows.json"
    wire = json.loads(settings.read_text(encoding="utf-8")) | {"wire": {"max_shells_per_user": 3000}}
    settings.write_text(json.dumps(wire), encoding="utf-8")
    return story_lab


def make_gaps(lab: Any, plan: str) -> tuple[str, ...]:
    """Brings the lab to where `plan` starts; gives the machines that need a change of the campaign's own."""
    if plan == "one machine":
        code, said = wslnet(lab, "setup", "--mirrored", "--yes")
        assert (code, said["result"]) in {(0, "committed"), (0, "unchanged")}, said
        return ()
    routes = lab.outside("wsl", ["ip", "route"]).stdout
    if "192.168.124.0/24 via" in routes:
        lab.outside("wsl", ["ip", "route", "del", "192.168.124.0/24"])
    if "wslnet:" in lab.outside("vm1", ["iptables", "-S", "FORWARD"]).stdout:
        lab.outside("vm1", ["iptables", "-D", "FORWARD", "1"])
    return ("vm2",)


def cut_and_kill(lab: Any, file: Path) -> float:
    """Runs the real program until the cut is made, kills it, and says when."""
    command = [sys.executable, CONTROLLER, str(file), "--inventory", str(lab.inventory), *SETUP]
    machine = json.loads(file.read_text())["cut"]["machine"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as controller:
        until = time.monotonic() + START_S
        while not bench.is_cut(lab, machine):
            if controller.poll() is not None or time.monotonic() > until:
                controller.kill()
                pytest.fail(f"no cut was made: {controller.communicate()}")
            time.sleep(0.02)
        controller.kill()
        return now()


def wait_until_back(lab: Any, hops: Hops, cut: Cut, old: Snapshot, killed: float) -> float:
    """Seconds from the machine's own deadline until SSH answers; all machines are as before then or soon."""
    deadlines = {name: guard["deadline"] for name, guard in bench.guards(lab).items()}
    mine, last = deadlines[cut.machine], max(deadlines.values())
    time.sleep(max(0.0, mine - now()))
    while (back := hops.back(cut.machine, mine)) is None:
        assert now() < mine + BACK_S + 1, f"{cut}: no SSH {now() - mine:.1f} s after the deadline"
        time.sleep(0.05)
    assert hops.was_cut(cut.machine, killed - 0.5, mine), f"{cut} cut nothing"
    time.sleep(max(0.0, last - now()))
    while True:
        began = now()
        left = unlike(old, lab)
        if not left:
            break
        assert began < last + BACK_S, f"{cut}: not as before: {left}"
    assert {guard["state"] for guard in bench.guards(lab).values()} == {"fired"}
    return back - mine


def cells() -> Iterator[Any]:
    """Every plan, machine and kind of cut in the long campaign, a few of them once everywhere.

    The tree's plan has every step that can cut, so it is the one that is repeated as often as the goal says.
    """
    for plan in ("one machine", "tree"):
        for machine in bench.LINUX:
            for kind in bench.KINDS:
                if (plan, machine, kind) in ORDINARY:
                    yield plan, machine, kind, 1
                repeats = REPEATS if plan == "tree" else 2
                yield pytest.param(plan, machine, kind, repeats, marks=pytest.mark.full)


@pytest.mark.parametrize(("plan", "machine", "kind", "repeats"), list(cells()))
def test_a_machine_that_is_cut_off_comes_back_by_itself(
    mirrored: Any,
    tmp_path: Path,
    campaign: Callable[..., None],
    *,
    plan: str,
    machine: str,
    kind: str,
    repeats: int,
) -> None:
    own = make_gaps(mirrored, plan) or (machine,)
    old = take(mirrored)
    cut = bench.cut_of(mirrored, machine, kind)
    file = tmp_path / "spec.json"
    file.write_text(bench.spec(cut, own))
    with Hops(bench.hops(mirrored)) as hops:
        for _ in range(repeats):
            killed = cut_and_kill(mirrored, file)
            late = wait_until_back(mirrored, hops, cut, old, killed)
            assert late < BACK_S
            code, said = wslnet(mirrored, "resume", program=(sys.executable, CONTROLLER, str(file)))
            assert (code, said["result"], said["left"]) == (12, "rolled-back", []), said
            assert differences(old, take(mirrored)) == []
            campaign(f"link-cut {kind}", 1, "back within T + 1 s" if late < 1 else "back within T + 2 s")
