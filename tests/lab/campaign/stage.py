"""What every kill campaign stands on: a lab, its old and its new state, and the judgement after a kill."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.lab.asking import WSLNET
from tests.lab.canonical.snapshot import Snapshot, differences, locks, take

from .killed_controller import KILLED

if TYPE_CHECKING:
    from collections.abc import Sequence

RUN_TIMEOUT_S = 110
_KILLED_CONTROLLER = str(Path(__file__).with_name("killed_controller.py"))
_SHELLS = 1000
"""A killed controller leaves two WinRM shells to Windows' idle timeout; no user kills thirty a minute."""


_LACKING = {
    "wsl": ["ip route del 192.168.124.0/24"],
    "vm1": ["iptables -D FORWARD 1", "sysctl -w net.ipv4.ip_forward=0"],
}
Point = tuple[str, str, int]
"""`setup` or `undo`, before, amid or after which of its records."""


@dataclass(frozen=True)
class Stage:
    """A lab in its old state; `setup` are the words that lead to the new one, `undo` those that lead back.

    `records`: how many journal records each of the two writes.
    """

    lab: Any
    setup: tuple[str, ...]
    old: Snapshot
    new: Snapshot
    records: dict[str, int]

    def run(self, *words: str) -> dict[str, Any]:
        """Runs the program, which must end well or say that it rolled back; gives what it says."""
        return run(self.lab, *words)

    def words(self, verb: str) -> tuple[str, ...]:
        """The command line of `setup` or `undo`."""
        return self.setup if verb == "setup" else (verb, "--yes")

    def bring(self, verb: str) -> None:
        """Brings the lab, which is in its old state, to where `verb` begins."""
        if verb == "undo":
            said = self.run(*self.setup)
            assert said["result"] == "committed", said["reason"]

    def points(self, where: Sequence[str]) -> list[Point]:
        """Every boundary of both journals."""
        return [
            (verb, side, number)
            for verb, records in self.records.items()
            for number in range(1, records + 1)
            for side in where
        ]

    def kill_at(self, point: Point) -> str:
        """Kills a run at `point` and gives the state to which `resume` then leads."""
        verb, where, number = point
        self.bring(verb)
        self.kill(where, number, *self.words(verb))
        return self.judge(f"kill {where} record {number} of {verb}")

    def kill(self, where: str, number: int, *words: str) -> None:
        """Runs the program and kills it at a record of its journal."""
        command = [sys.executable, _KILLED_CONTROLLER, where, str(number)]
        command += ["--inventory", str(self.lab.inventory), *words, "--json"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=RUN_TIMEOUT_S, check=False)
        assert done.returncode == KILLED, f"not killed {where} {number}: {done.stdout} {done.stderr[-1500:]}"

    def judge(self, what: str) -> str:
        """`resume` must lead to the old state or the new one; gives which, and leaves the old one.

        `what` was done to it, for the message.
        """
        if self.run("resume").get(
            "changes"
        ):  # a run that died before its plan was written: its lease runs out
            assert locks(self.lab) == [], f"still locked after {what}"
        found = take(self.lab)
        if not differences(self.new, found):
            self.back(what)
            return "new"
        left, missing = ("\n".join(differences(one, found)) for one in (self.old, self.new))
        assert not left, f"a third state after {what}; against the old:\n{left}\nagainst the new:\n{missing}"
        return "old"

    def back(self, what: str) -> None:
        """Takes the new state back to the old one."""
        self.run("undo", "--yes")
        left = differences(self.old, take(self.lab))
        assert left == [], f"undone after {what}, and not the old state:\n" + "\n".join(left)


def run(lab: Any, *words: str) -> dict[str, Any]:
    """Runs the program against a lab; exit 0 or 12 (rolled back)."""
    command = [WSLNET, "--inventory", str(lab.inventory), *words, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=RUN_TIMEOUT_S, check=False)
    assert "Traceback" not in done.stderr, done.stderr
    assert done.returncode in {0, 12}, f"{words}: {done.returncode} {done.stdout}"
    said: dict[str, Any] = json.loads(done.stdout)
    return said


def raise_mirrored(lab: Any, setup: Sequence[str]) -> Stage:
    """The stage of a plan without a restart: mirrored already; a route, forwarding, an accept missing."""
    assert run(lab, "setup", "--mirrored", "--yes")["result"] == "committed"
    for machine, commands in _LACKING.items():
        for command in commands:
            done = lab.outside(machine, command.split())
            assert done.returncode == 0, done.stderr
    return raise_stage(lab, setup)


def raise_stage(lab: Any, setup: Sequence[str]) -> Stage:
    """Walks from the state that is there, the old one, to the new one and back, and counts the records."""
    settings = lab.inventory.parent / "windows.json"
    data = json.loads(settings.read_text(encoding="utf-8"))
    settings.write_text(json.dumps(data | {"wire": {"max_shells_per_user": _SHELLS}}), encoding="utf-8")
    old = take(lab)
    said = run(lab, *setup)
    assert said["result"] == "committed", said["reason"]
    new = take(lab)
    assert differences(old, new)
    of_setup = _records(lab, said["run"])
    run(lab, "undo", "--yes")
    left = differences(old, take(lab))
    assert left == [], "undone, and not the old state:\n" + "\n".join(left)
    return Stage(lab, tuple(setup), old, new, {
        "setup": of_setup, "undo": _records(lab, said["run"]) - of_setup,
    })  # fmt: skip


def _records(lab: Any, run_id: str) -> int:
    file = lab.inventory.parent / "controller" / "journal" / f"{run_id}.jsonl"
    return sum(1 for line in file.read_text(encoding="utf-8").splitlines() if line)
