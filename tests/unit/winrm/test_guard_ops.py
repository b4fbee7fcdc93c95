"""`guard.*` over WinRM on a Windows on paper, whose tasks run the guard of the product in a thread."""

from __future__ import annotations

import base64
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from wslnet.app.boot_guard import Guard
from wslnet.model.change import Op, OpResult
from wslnet.model.machine import Kind, Machine
from wslnet.profiles.boot import network_task, wsl_task
from wslnet.transport.windows_ways import remote
from wslnet_lab.host.__main__ import _build_server
from wslnet_lab.host.local_programs import LocalPrograms
from wslnet_lab.host.log import JsonLinesLog
from wslnet_lab.host.machine import build_windows
from wslnet_lab.host.paper_hardware import PaperHardware
from wslnet_lab.host.state.settings import OWNER_SID
from wslnet_lab.host.wire.settings import SettingsSource
from wslnet_win_agent.boot.guard_files import NETWORK, WSL, Report
from wslnet_win_agent.boot.task_xml import write_task
from wslnet_win_agent.ops import guard as ops

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from wslnet.transport.windows_session import WindowsSession
    from wslnet_lab.host.contract import Identity
    from wslnet_lab.host.machine import WindowsMachine
    from wslnet_lab.host.tasks.definition import Action

OURS = {"run": "run-1", "token": "token"}
RULE = {"verb": "hyperv_rule.remove", "args": {"name": "x"}}
FILE = {"verb": "wslconfig.write", "args": {"path": "p", "content": None, "expect_sha256": None}}
PLACES = {NETWORK: ("ProgramData", "wslnet"), WSL: ("Users", "owner", "AppData", "Local", "wslnet")}


@dataclass
class Process:
    """A task's process: the guard in a thread; `end` kills it, so it says nothing any more."""

    guard: Guard
    dead: threading.Event = field(default_factory=threading.Event)
    thread: threading.Thread | None = None

    def start(self) -> Process:
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()
        return self

    def wait(self, timeout_s: float | None) -> int | None:
        assert self.thread is not None
        self.thread.join(min(timeout_s or 60.0, 60.0))
        return None if self.thread.is_alive() else 0

    def end(self) -> None:
        self.dead.set()
        self.wait(5.0)

    def _run(self) -> None:
        with self.guard as guard:
            while not self.dead.is_set() and (guard.look() or guard.half == WSL):
                self.dead.wait(0.02)


@dataclass
class Bench:
    folder: Path
    processes: list[Process] = field(default_factory=list)
    taken_back: list[str] = field(default_factory=list)
    deaf: bool = False
    machine: WindowsMachine = field(init=False)
    session: WindowsSession = field(init=False)

    def __call__(self, action: Action, identity: Identity) -> Process:
        """Starts what a task names."""
        half = action.arguments.rpartition(" ")[2]
        assert identity.system is (half == NETWORK)
        guard = Guard(half, self.place(half), self.take_back)
        if self.deaf:
            guard.look = lambda: False  # type: ignore[method-assign]
        process = Process(guard).start()
        self.processes.append(process)
        return process

    def place(self, half: str) -> Path:
        return self.folder.joinpath("windows", "C", *PLACES[half])

    def take_back(self, report: Report) -> tuple[dict[str, Any], ...]:
        verbs = [str(op["verb"]) for op in reversed(report.order.undo)]
        self.taken_back += verbs
        return tuple({"verb": verb, "error": None} for verb in verbs)

    def run(self, *given: Op) -> list[OpResult]:
        return list(self.session.execute(given, deadline_s=40))

    def ask(self, verb: str, **args: object) -> OpResult:
        return self.run(Op(verb, {**OURS, **args}))[0]

    def arm(self, *undo: dict[str, Any], seconds: float = 60.0, **args: object) -> OpResult:
        more = {"vms": [], "mode": "nat", "captured": None, "undo": list(undo), "deadline_s": seconds}
        return self.ask("guard.arm", **{**more, **args})

    def files(self) -> set[str]:
        return {file.name for half in PLACES for file in self.place(half).glob("guard-*.json")}


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.setattr(ops, "_ANSWER_S", 2.0)
    monkeypatch.setattr(ops, "_START_S", 4.0)
    (tmp_path / "password").write_text("correct horse\n")
    log = JsonLinesLog(tmp_path / "log/calls.jsonl")
    one = Bench(tmp_path)
    one.machine = build_windows(tmp_path, PaperHardware(), log, launch=one)
    program = tmp_path.joinpath("windows", "C", "Program Files", "wslnet", "wslnet.exe")
    program.parent.mkdir(parents=True, exist_ok=True)
    program.write_bytes(b"MZ")
    server = _build_server(tmp_path, LocalPrograms.of(one.machine, log, SettingsSource(tmp_path)), 0)
    one.machine.boot()
    server.start()
    host = Machine("windows", Kind.WINDOWS, address="127.0.0.1", port=server.port, user="owner")
    one.session = remote(host, "correct horse")
    content = base64.b64encode(b"{}").decode()
    tasks = (network_task(OWNER_SID), wsl_task(OWNER_SID, before_logon=True))
    done = one.run(
        Op("boot_data.write", {"content": content, "reader": OWNER_SID}),
        *(Op("task.register", {"name": task.name, "xml": write_task(task)}) for task in tasks),
    )
    assert all(result.ok for result in done), done
    yield one
    for process in one.processes:
        process.end()
    one.session.close()
    server.close()


def test_armed_extended_released_nothing_is_taken_back_and_no_file_stays(bench: Bench) -> None:
    assert bench.ask("guard.status").value == {"state": "none"}
    armed = bench.arm(RULE, FILE)
    assert armed.value == {"run": "run-1", "state": "armed", "done": []}
    assert len(bench.processes) == 2
    assert bench.ask("guard.extend", deadline_s=90.0).ok
    assert bench.ask("guard.status").value["state"] == "armed"
    assert len(bench.files()) == 4
    assert bench.ask("guard.disarm").value["state"] == "armed"
    assert (bench.files(), bench.taken_back) == (set(), [])
    assert bench.ask("guard.disarm").code == "not-found"


def test_more_to_undo_comes_to_the_same_guard_and_the_other_half_joins(bench: Bench) -> None:
    assert bench.arm(RULE).ok
    assert bench.arm(RULE, captured={"routes": []}).ok
    assert bench.arm(FILE).ok
    reports = {half: bench.place(half) / f"guard-{half}.json" for half in PLACES}
    told = {half: Report.of(file.read_bytes()) for half, file in reports.items()}
    network, wsl = told[NETWORK], told[WSL]
    assert network is not None
    assert wsl is not None
    assert (len(network.order.undo), len(wsl.order.undo)) == (2, 1)
    assert network.order.captured == {"routes": []}
    assert network.order.halves == wsl.order.halves == (NETWORK, WSL)
    assert len(bench.processes) == 2


def test_a_wrong_token_and_a_second_run_are_refused_with_the_holder_named(bench: Bench) -> None:
    bench.arm(RULE)
    assert bench.ask("guard.extend", deadline_s=9.0, token="guess").code == "not-permitted"
    assert bench.ask("guard.disarm", run="run-2").code == "not-permitted"
    second = bench.arm(RULE, run="run-2", token="other")
    assert (second.code, "run-1" in second.message) == ("exists", True)
    assert bench.ask("guard.disarm").value["state"] == "armed"


def test_one_that_has_fired_says_what_it_took_back_and_is_not_armed_again(bench: Bench) -> None:
    assert bench.arm(RULE, seconds=1.0).ok
    bench.processes[0].wait(5.0)
    late = bench.ask("guard.extend", deadline_s=9.0)
    assert late.value == {"run": "run-1", "state": "fired", "done": [{"verb": RULE["verb"], "error": None}]}
    assert bench.arm(RULE).code == "exists"
    assert bench.ask("guard.disarm").value["state"] == "fired"
    assert bench.files() == set()


@pytest.mark.parametrize("verb", ["guard.extend", "guard.disarm"])
def test_a_killed_guard_is_started_and_what_it_watched_over_is_taken_back(bench: Bench, verb: str) -> None:
    bench.arm(RULE, FILE)
    for process in bench.processes[:2]:
        process.end()
    answer = bench.ask(verb, deadline_s=60.0)
    if verb == "guard.extend":
        assert (answer.value["state"], sorted(bench.taken_back)) == ("fired", [RULE["verb"], FILE["verb"]])
    else:
        # The release was on disk when the successor came: it counts.
        assert (answer.value["state"], bench.taken_back) == ("armed", [])
    assert len(bench.processes) == 4


def test_a_second_run_settles_what_a_dead_guard_left(bench: Bench) -> None:
    bench.arm(RULE)
    bench.processes[0].end()
    second = bench.arm(RULE, run="run-2", token="other")
    assert (second.code, "undone just now" in second.message) == ("exists", True)
    assert bench.taken_back == [RULE["verb"]]
    assert bench.arm(RULE, run="run-2", token="other").ok


def test_a_guard_that_answers_too_late_has_nothing_to_watch_over(bench: Bench) -> None:
    bench.deaf = True
    silent = bench.arm(RULE, seconds=1.0)
    assert (silent.code, "network" in silent.message) == ("failed", True)
    bench.deaf = False
    assert bench.run(Op("task.start", {"name": NETWORK}))[0].ok
    bench.processes[-1].wait(5.0)
    assert (bench.ask("guard.status").value, bench.taken_back) == ({"state": "none"}, [])
    assert bench.arm(RULE).ok


def test_without_its_task_nothing_is_left(bench: Bench) -> None:
    assert bench.run(Op("task.unregister", {"name": NETWORK}))[0].ok
    assert not bench.arm(RULE).ok
    assert bench.ask("guard.status").value == {"state": "none"}


def test_one_half_lost_is_no_guard(bench: Bench) -> None:
    bench.arm(RULE, FILE)
    (bench.place(WSL) / "guard-wsl.order.json").unlink()
    gone = bench.ask("guard.extend", deadline_s=9.0)
    assert (gone.code, "wsl" in gone.message) == ("not-found", True)


def test_what_no_half_can_take_back_is_refused_before_anything_is_written(bench: Bench) -> None:
    refused, change = bench.run(
        Op(
            "guard.arm",
            {**OURS, "deadline_s": 9.0, "vms": [], "undo": [{"verb": "task.register", "args": {}}]},
        ),
        Op("task.start", {"name": WSL}),
    )
    assert (refused.code, change.code) == ("bad-op", "not-run")
    assert (bench.files(), bench.processes) == (set(), [])
