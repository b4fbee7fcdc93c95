"""Others at work beside a run: a second controller, and programs that write to the same tables and routes."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.lab.canonical.snapshot import differences, take

from .stage import WSLNET, Stage, raise_mirrored
from .writers import WRITERS, Writer

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.lab.canonical.snapshot import Snapshot

pytestmark = [pytest.mark.lab, pytest.mark.timeout(900)]

SETUP = ("setup", "--mirrored", "--yes")
WITH_WINDOWS = ("setup", "--mirrored", "--allow", "tcp/8080@lan", "--yes")
PARTS = 10
ROUNDS = 100
_HERE = Path(__file__).parent
_TIMEOUT_S = 110


@pytest.fixture(scope="module")
def stage(story_lab: Any) -> Stage:
    return raise_mirrored(story_lab, SETUP)


@pytest.fixture(scope="module")
def second_inventory(stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another controller's: the same machines, a state folder of its own that knows their host keys."""
    text = stage.lab.inventory.read_text(encoding="utf-8")
    old = next(line for line in text.splitlines() if line.startswith("state = "))
    folder = tmp_path_factory.mktemp("second")
    (folder / "state").mkdir()
    known = Path(json.loads(old.partition("=")[2])) / "known_hosts"
    shutil.copy(known, folder / "state" / "known_hosts")
    file = folder / "wslnet.toml"
    file.write_text(text.replace(old, f'state = "{folder / "state"}"'), encoding="utf-8")
    return file


def said_by(inventory: Path, *words: str) -> tuple[int, dict[str, Any]]:
    done = subprocess.run(
        [WSLNET, "--inventory", str(inventory), *words, "--json"],
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_S,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, json.loads(done.stdout)


def begin_at_once(
    inventories: tuple[Path, Path], folder: Path, words: tuple[str, ...]
) -> dict[Path, tuple[int, int, dict[str, Any]]]:
    """Two controllers whose plans are made begin in the same moment: pid, exit code and what each says."""
    gate = folder / "gate"
    ready = {inventory: folder / f"ready-{number}" for number, inventory in enumerate(inventories)}
    processes = {
        inventory: subprocess.Popen(
            [
                sys.executable,
                str(_HERE / "gated_controller.py"),
                str(ready[inventory]),
                str(gate),
                "--inventory",
                str(inventory),
                *words,
                "--json",
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for inventory in inventories
    }
    try:
        until = time.monotonic() + _TIMEOUT_S
        while not all(file.exists() for file in ready.values()):
            assert time.monotonic() < until, "a controller does not come to its run"
            assert all(process.poll() is None for process in processes.values())
            time.sleep(0.01)
        gate.touch()
        found = {}
        for inventory, process in processes.items():
            out, err = process.communicate(timeout=_TIMEOUT_S)
            assert "Traceback" not in err, err
            found[inventory] = (process.pid, process.returncode, json.loads(out))
        return found
    finally:
        for process in processes.values():
            process.kill()
            process.wait()


def one_round(stage: Stage, second: Path, folder: Path, words: tuple[str, ...]) -> None:
    """Exactly one applies, the other is refused and names it; afterwards all is as before."""
    inventories = (stage.lab.inventory, second)
    ends = begin_at_once(inventories, folder, words)
    winner = [one for one, (_, _, said) in ends.items() if said.get("result") == "committed"]
    assert len(winner) == 1, ends
    (loser,) = (one for one in inventories if one != winner[0])
    pid, code, said = ends[loser]
    assert (code, said["error"]["code"]) == (1, "locked"), said
    assert f"process {ends[winner[0]][0]}," in said["error"]["message"]
    assert ends[winner[0]][2]["run"] in said["error"]["message"]
    assert pid != ends[winner[0]][0]
    code, undone = said_by(winner[0], "undo", "--yes")
    assert (code, undone["left"]) == (0, []), undone
    left = differences(stage.old, take(stage.lab))
    assert left == [], "\n".join(left)


def rounds(count: int, stage: Stage, second: Path, folder: Path) -> int:
    for number in range(count):
        place = folder / str(number)
        place.mkdir()
        one_round(stage, second, place, WITH_WINDOWS if number % 2 else SETUP)
    return count


def test_two_controllers_at_once(
    stage: Stage, second_inventory: Path, tmp_path: Path, campaign: Callable[..., None]
) -> None:
    campaign("two-controllers-some", rounds(4, stage, second_inventory, tmp_path))


@pytest.mark.full
@pytest.mark.parametrize("part", range(PARTS))
def test_two_controllers_a_hundred_times(
    stage: Stage, second_inventory: Path, tmp_path: Path, campaign: Callable[..., None], part: int
) -> None:
    assert part < PARTS
    campaign("two-controllers", rounds(ROUNDS // PARTS, stage, second_inventory, tmp_path))


def test_a_pending_run_keeps_its_machines_from_others(
    stage: Stage, second_inventory: Path, campaign: Callable[..., None]
) -> None:
    code, waiting = said_by(stage.lab.inventory, *SETUP, "--confirm-within", "2m")
    assert (code, waiting["result"]) == (0, "pending"), waiting
    assert stage.lab.outside("wsl", ["ip", "route", "del", "192.168.124.0/24"]).returncode == 0
    code, second = said_by(second_inventory, *WITH_WINDOWS)
    assert (code, second["error"]["code"], second["error"]["machine"]) == (1, "locked", "wsl"), second
    assert waiting["run"] in second["error"]["message"]
    assert said_by(stage.lab.inventory, "undo", waiting["run"], "--yes")[1]["left"] == []
    assert differences(stage.old, take(stage.lab)) == []
    assert said_by(second_inventory, *WITH_WINDOWS)[1]["result"] == "committed"
    assert said_by(second_inventory, "undo", "--yes")[0] == 0
    assert differences(stage.old, take(stage.lab)) == []
    campaign("two-controllers-some")


def expected_old(stage: Stage, writer: Writer) -> Snapshot:
    """The old state with what the writer wrote."""
    writer.write(stage.lab)
    found = take(stage.lab)
    writer.take_back(stage.lab)
    return found


def disturbed(stage: Stage, writer: Writer, record: str, *words: str) -> tuple[int, dict[str, Any]]:
    """A run beside which the writer writes right after a record of its journal."""
    commands = json.dumps(writer.commands(stage.lab))
    script = [sys.executable, str(_HERE / "disturbed_controller.py"), record, commands]
    done = subprocess.run(
        [*script, "--inventory", str(stage.lab.inventory), *words, "--json"],
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_S,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, json.loads(done.stdout)


def between_plan_and_apply(stage: Stage, writer: Writer, folder: Path) -> str:
    """Refused, and nothing was changed."""
    file = folder / "plan.json"
    assert said_by(stage.lab.inventory, "plan", "--mirrored", "-o", str(file))[0] == 10
    writer.write(stage.lab)
    before = take(stage.lab)
    code, said = said_by(stage.lab.inventory, "apply", str(file), "--yes")
    assert (code, said["error"]["code"]) == (1, "plan-refused"), said
    assert f"of {writer.machine}" in said["error"]["message"]
    assert differences(before, take(stage.lab)) == []
    return "refused"


def committed(stage: Stage) -> set[str]:
    """Ids of the runs that stand."""
    runs = said_by(stage.lab.inventory, "history")[1]["runs"]
    return {one["run"] for one in runs if one["result"] == "committed"}


def between_apply_and_undo(stage: Stage, writer: Writer, folder: Path) -> str:
    assert folder.is_dir()
    assert said_by(stage.lab.inventory, *SETUP)[1]["result"] == "committed"
    writer.write(stage.lab)
    return "committed"


def at_first_intent(stage: Stage, writer: Writer, folder: Path) -> str:
    """It comes before our change of its machine, which goes above; nothing is lost, and it is told."""
    assert folder.is_dir()
    code, said = disturbed(stage, writer, "intent", *SETUP)
    assert (code, said["result"]) == (0, "committed"), said
    assert_told(writer, said)
    return "committed"


def before_probes(stage: Stage, writer: Writer, folder: Path) -> str:
    """It comes after our changes were read back: an accept that lost its effect rolls the run back."""
    assert folder.is_dir()
    code, said = disturbed(stage, writer, "probing", *SETUP)
    wanted = (12, "rolled-back") if writer.wins else (0, "committed")
    assert (code, said["result"], said["left"]) == (*wanted, []), said
    assert_told(writer, said)
    return str(said["result"])


def before_waiting(stage: Stage, writer: Writer, folder: Path) -> str:
    """As before, in a run that only the user may confirm: no probe of the wish, only the last look tells."""
    assert folder.is_dir()
    code, said = disturbed(stage, writer, "probing", *SETUP, "--confirm-within", "2m")
    if not writer.wins:
        assert (code, said["result"]) == (0, "pending"), said
        assert_told(writer, said)
        assert said_by(stage.lab.inventory, "confirm")[1]["result"] == "committed"
        return "committed"
    assert (code, said["result"], said["left"]) == (12, "rolled-back", []), said
    assert "has no effect any more: filter FORWARD rule" in said["reason"]
    assert_told(writer, said)
    return "rolled-back"


def assert_told(writer: Writer, said: dict[str, Any]) -> None:
    """The machine, and what came."""
    told = {one["machine"]: " ".join(one["changes"]) for one in said["foreign"]}
    assert set(told) == {writer.machine}, said["foreign"]
    assert writer.sign in told[writer.machine]


MOMENTS = {
    one.__name__.replace("_", "-"): one
    for one in (
        between_plan_and_apply,
        at_first_intent,
        before_probes,
        before_waiting,
        between_apply_and_undo,
    )
}
SOME = {
    ("rule-above", "before-waiting"),
    ("libvirt-network-restarted", "before-probes"),
    ("docker", "at-first-intent"),
    ("route", "between-plan-and-apply"),
    ("rule-elsewhere", "between-apply-and-undo"),
}


@pytest.mark.parametrize(
    ("name", "moment"),
    [
        pytest.param(name, moment, marks=[] if (name, moment) in SOME else [pytest.mark.full])
        for name in WRITERS
        for moment in MOMENTS
    ],
)
def test_foreign_writers(
    stage: Stage, tmp_path: Path, campaign: Callable[..., None], name: str, moment: str
) -> None:
    writer = WRITERS[name]
    expected = expected_old(stage, writer)
    before = committed(stage)
    try:
        end = MOMENTS[moment](stage, writer, tmp_path)
    finally:
        # Also when it failed: the next case begins where this one did.
        ended = [said_by(stage.lab.inventory, "undo", run, "--yes") for run in committed(stage) - before]
        left = differences(expected, take(stage.lab))
        writer.take_back(stage.lab)
    assert [(code, undone["left"]) for code, undone in ended] == [(0, [])] * (end == "committed"), ended
    assert left == [], f"what {name} wrote is not as it was:\n" + "\n".join(left)
    assert differences(stage.old, take(stage.lab)) == []
    campaign("foreign-writers", 1, end)
