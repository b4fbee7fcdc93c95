"""The controller's side of the guard on Windows: armed ahead, carried over the restart, done without."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from wslnet.engine import barrier
from wslnet.engine.apply import Progress, apply_changes
from wslnet.engine.guards import GuardFired, Guards, WindowsGuard
from wslnet.engine.guards_windows import can_guard, kept_alive
from wslnet.engine.journal import FOLDER, Journal
from wslnet.engine.restart import RunningVm
from wslnet.engine.run_log import read_runs
from wslnet.engine.take_back import roll_back
from wslnet.errors import AgentError, OutcomeUnknown, PlanRefused, Unreachable, WslnetError
from wslnet.model.change import Action, Change, Op, OpResult, Risk
from wslnet.model.machine import Inventory, Kind, Machine

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

VM = RunningVm("wsl", "vm1", 1)
RESTARTED = {"verb": "wsl.restart", "error": None}


@dataclass
class Host:
    """A Windows with a guard: `refuse` is the code with which it is not armed, `fired` says that it has."""

    inventory: Inventory
    asked: list[str] = field(default_factory=list)
    armed_with: list[dict[str, Any]] = field(default_factory=list)
    refuse: str = ""
    fired: bool = False
    cut: bool = False
    unknown: bool = False

    def execute(self, machine: str, ops: Sequence[Op], *, deadline_s: float) -> tuple[OpResult, ...]:
        assert deadline_s > 0
        if self.unknown and ops[0].verb == "guard.arm":
            raise OutcomeUnknown(f"{machine}: no answer", machine=machine)
        if self.cut:
            raise Unreachable(f"{machine}: cut", machine=machine)
        return tuple(self._one(machine, op) for op in ops)

    def forget(self, machines: Iterable[str]) -> None:
        """Nothing is kept."""

    def _one(self, machine: str, op: Op) -> OpResult:
        if op.verb == "facts":
            return OpResult({})
        self.asked.append(op.verb if machine == "windows" else f"{machine} {op.verb}")
        if op.verb == "guard.arm" and machine == "windows":
            if self.refuse:
                return OpResult(code=self.refuse, message="run x waits here")
            self.armed_with.append(dict(op.args))
        state = "fired" if self.fired else "armed"
        return OpResult({"state": state, "done": [RESTARTED] if self.fired else []})


@dataclass(frozen=True)
class Always:
    """A resource that is as it should be once it was written."""

    machine: str
    name: str
    needs: frozenset[str] = frozenset({"routes"})

    def diff(self, _: object) -> tuple[Change, ...]:
        return ()


def change(machine: str, resource: str, do: str, undo: str | None, risk: Risk = Risk.SAFE) -> Change:
    back = None if undo is None else Op(undo, {"name": resource})
    return Change(machine, resource, Action.ADD, None, "x", "why", Op(do, {"name": resource}), back, risk)


RULE = change("windows", "rule", "hyperv_rule.create", "hyperv_rule.remove")
RESTART = change("windows", "WSL", "wsl.restart", "wsl.restart", Risk.RESTARTS_LAYER)
SYSCTL = change("wsl", "sysctl", "sysctl.set", "sysctl.set")


@pytest.fixture
def host(tmp_path: Path) -> Host:
    machines = {
        "windows": Machine("windows", Kind.WINDOWS),
        "wsl": Machine("wsl", Kind.WSL, parent="windows"),
        "vm1": Machine("vm1", Kind.VM, parent="wsl"),
    }
    return Host(Inventory(tmp_path / "i.toml", tmp_path / "state", machines))


@pytest.fixture
def run(host: Host, monkeypatch: pytest.MonkeyPatch) -> Iterator[Progress]:
    monkeypatch.setattr(barrier, "restart_wsl", lambda *_, **__: host.asked.append("restarted"))
    with Journal(host.inventory.state / FOLDER, "20260101T000000-000000Z") as journal:
        guards = Guards(
            host,
            journal,
            5.0,
            windows=WindowsGuard(demanded=True, vms=(VM,), mode="nat"),
        )
        yield Progress(host, journal, lambda *_: None, guards=guards)


def guards_of(run: Progress) -> Guards:
    assert run.guards is not None
    return run.guards


def do(run: Progress, *changes: Change) -> None:
    apply_changes(run, changes, [Always(one.machine, one.resource) for one in changes])  # type: ignore[misc]


def journal_kinds(run: Progress) -> list[str]:
    return [
        line.split('"kind": "')[1].split('"')[0] for line in run.journal.path.read_text("utf-8").splitlines()
    ]


def test_it_is_armed_in_a_request_of_its_own_before_the_change_is_even_intended(
    run: Progress, host: Host
) -> None:
    do(run, RULE)
    assert host.asked == ["guard.arm", "hyperv_rule.create"]
    assert journal_kinds(run)[:2] == ["guard", "intent"]
    (given,) = host.armed_with
    assert given["undo"] == [{"verb": "hyperv_rule.remove", "args": {"name": "rule"}}]
    assert (given["mode"], given["vms"]) == ("nat", [asdict(VM)])
    assert given["deadline_s"] >= 30


@pytest.mark.parametrize(("code", "error"), [("exists", PlanRefused), ("failed", AgentError)])
def test_demanded_and_not_armed_nothing_is_begun(
    code: str, error: type[WslnetError], run: Progress, host: Host
) -> None:
    host.refuse = code
    with pytest.raises(error):
        do(run, RULE)
    assert (host.asked, run.applied, guards_of(run).armed) == (["guard.arm"], [], {})


def test_not_demanded_and_not_armed_the_run_goes_on_without(run: Progress, host: Host) -> None:
    guards_of(run).windows = WindowsGuard(demanded=False)
    host.refuse = "failed"
    do(run, RULE, RESTART)
    assert host.asked == ["guard.arm", "hyperv_rule.create", "restarted"]
    host.refuse = "exists"
    guards_of(run).windows = WindowsGuard(demanded=False)
    with pytest.raises(PlanRefused):
        do(run, RULE)


def test_one_that_may_watch_is_never_gone_on_without(run: Progress, host: Host) -> None:
    guards_of(run).windows = WindowsGuard(demanded=False)
    host.unknown = True
    with pytest.raises(OutcomeUnknown):
        do(run, RULE)
    assert (run.applied, set(guards_of(run).armed)) == ([], {"windows"})
    assert set(read_runs(host.inventory.state)[0].guards) == {"windows"}


def test_it_alone_is_carried_over_the_restart(run: Progress, host: Host) -> None:
    do(run, SYSCTL, RESTART)
    assert set(guards_of(run).armed) == {"windows"}
    restart, captured = host.armed_with
    assert [one["verb"] for one in restart["undo"]] == ["wsl.restart"]
    assert (captured["undo"], captured["captured"]) == ([], run.captured.to_json())
    assert host.asked.index("guard.arm") < host.asked.index("restarted")
    log = next(iter(read_runs(host.inventory.state)))
    assert set(log.guards) == {"windows"}


def test_one_that_fired_during_the_restart_stops_the_run(run: Progress, host: Host) -> None:
    def restart(*_: object, **__: object) -> None:
        host.fired = True
        before, until = host.asked.count("guard.extend"), time.monotonic() + 10
        while host.asked.count("guard.extend") == before and time.monotonic() < until:
            time.sleep(0.01)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(barrier, "restart_wsl", restart)
        patch.setattr("wslnet.engine.guards_windows._BEAT_S", 0.01)
        with pytest.raises(GuardFired):
            do(run, RESTART)


def test_a_restart_that_the_guard_made_is_not_made_again(run: Progress, host: Host) -> None:
    do(run, RULE, RESTART)
    host.fired = True
    host.asked.clear()
    roll_back(run)
    assert "restarted" not in host.asked
    assert run.outcomes[RESTART.id] == "undone"


def test_it_watches_until_the_controller_has_restarted_wsl_again(run: Progress, host: Host) -> None:
    do(run, RULE, RESTART)
    host.asked.clear()
    roll_back(run)
    assert host.asked.index("restarted") < host.asked.index("guard.disarm")
    assert guards_of(run).armed == {}


def test_out_of_reach_it_is_not_given_up_by_the_thread(run: Progress, host: Host) -> None:
    do(run, RULE)
    host.cut = True
    with kept_alive(run.guards) as lost:
        assert lost == []
    with kept_alive(None) as none:
        assert none == []


def test_only_what_a_half_can_take_back_is_guarded() -> None:
    assert can_guard([RULE, RESTART])
    assert not can_guard([change("windows", "task", "task.register", "task.unregister")])
    assert not can_guard([change("windows", "x", "hyperv_rule.create", None)])
