"""The coordinated restart on a model of the seed lab: order, refusals, what is put back."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from wslnet.app.restart import prepare_restart, run_restart
from wslnet.app.result import Result
from wslnet.engine import restart as barrier
from wslnet.engine.restart import RestartRefused, RunningVm, restart_wsl, running_vms
from wslnet.engine.run_log import End, read_runs
from wslnet.errors import AgentError, Unreachable
from wslnet.model.change import Op, OpResult

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from wslnet.model.machine import Inventory
    from wslnet.model.snapshot import Snapshot

    Make = Callable[..., Snapshot]

FACTS = Path(__file__).parents[2] / "cases" / "snapshots" / "mirrored.json"
VMS = (RunningVm("wsl", "vm1", 1), RunningVm("vm1", "vm2", 2))


def quiet(_machine: str, _text: str) -> None:
    """Nobody listens."""


@dataclass
class Model:
    """The machines of the seed lab in memory; `stuck` VMs do not shut down, `broken` do not start."""

    inventory: Inventory
    facts: dict[str, Any] = field(default_factory=dict)
    stuck: set[str] = field(default_factory=set)
    broken: set[str] = field(default_factory=set)
    up: set[str] = field(default_factory=lambda: {"wsl", "vm1", "vm2"})
    done: list[str] = field(default_factory=list)

    def execute(self, machine: str, ops: Sequence[Op], *, deadline_s: float) -> tuple[OpResult, ...]:
        assert deadline_s > 0
        if machine not in self.up | {"windows", "lan"}:
            raise Unreachable(f"{machine}: no route")
        return tuple(self._one(machine, op) for op in ops)

    def forget(self, machines: Iterable[str]) -> None:
        assert set(machines) <= set(self.inventory.machines)

    def _one(self, machine: str, op: Op) -> OpResult:
        name = str(op.args.get("name", ""))
        if op.verb == "facts":
            return OpResult(self._facts(machine, op.args["needs"]))
        if op.verb == "probes":
            return OpResult([{"ok": True, "ms": 1.0, "detail": "ok"} for _ in op.args["probes"]])  # type: ignore[attr-defined]
        self.done.append(f"{op.verb} {name or machine}")
        if op.verb == "wsl.shutdown":
            self.up.clear()
            routes = self.facts["wsl"]["routes"]
            self.facts["wsl"]["routes"] = [one for one in routes if one["dst"] != "192.168.124.0/24"]
        elif op.verb == "wsl.start":
            self.up.add("wsl")
        elif op.verb == "domain.shutdown":
            if name in self.stuck:
                return OpResult(code="timed-out", message=f"{name} is not shut off in time")
            self.up.discard(name)
        elif op.verb == "domain.start":
            if name in self.broken:
                return OpResult(code="failed", message="no memory")
            self.up.add(name)
        elif op.verb == "route.add":
            self.facts["wsl"]["routes"].append(dict(op.args))
        return OpResult({})

    def _facts(self, machine: str, needs: Any) -> dict[str, Any]:
        found = {name: self.facts[machine].get(name) for name in needs}
        if machine == "windows" and "wsl" in needs:
            found["wsl"] = {**found["wsl"], "running": "wsl" in self.up}
        if "domains" in needs and found["domains"] is not None:
            found["domains"] = [
                {"name": one["name"], "state": "running" if one["name"] in self.up else "shut off"}
                for one in found["domains"]
            ]
        return found


@pytest.fixture
def model(stored: Make, tmp_path: Path) -> Model:
    inventory = replace(stored("mirrored").inventory, state=tmp_path)
    return Model(inventory, json.loads(FACTS.read_text(encoding="utf-8"))["facts"])


@pytest.fixture(autouse=True)
def _in_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(barrier, "ANSWER_TIMEOUT_S", 0.2)
    monkeypatch.setattr(barrier, "_POLL_S", 0.01)


FULL = [
    "domain.shutdown vm2",
    "domain.shutdown vm1",
    "wsl.shutdown windows",
    "wsl.start windows",
    "domain.start vm1",
    "domain.start vm2",
]


def test_vms_go_deepest_first_and_come_back_parents_first(model: Model, stored: Make) -> None:
    assert running_vms(stored("mirrored")) == VMS
    assert restart_wsl(model, VMS, "mirrored", quiet) == "mirrored"
    assert model.done == FULL


def test_a_vm_that_does_not_stop_is_a_refusal_and_the_others_run_again(model: Model) -> None:
    model.stuck = {"vm1"}
    with pytest.raises(RestartRefused, match="vm1 does not shut down") as refused:
        restart_wsl(model, VMS, None, quiet)
    assert "--force" in (refused.value.hint or "")
    assert model.done == ["domain.shutdown vm2", "domain.shutdown vm1", "domain.start vm2"]
    assert model.up == {"wsl", "vm1", "vm2"}


def test_force_goes_on_and_cuts_it_off(model: Model) -> None:
    model.stuck = {"vm1"}
    restart_wsl(model, VMS, None, quiet, force=True)
    assert model.done == FULL
    assert model.up == {"wsl", "vm1", "vm2"}


@pytest.mark.parametrize("up", [set(), {"wsl"}, {"wsl", "vm1"}])
def test_what_is_down_already_is_no_obstacle(model: Model, up: set[str]) -> None:
    model.up = set(up)
    restart_wsl(model, VMS, None, quiet)
    assert model.done[-4:] == FULL[-4:]
    assert model.up == {"wsl", "vm1", "vm2"}


def test_a_host_that_runs_and_does_not_answer_is_a_refusal(model: Model) -> None:
    class Deaf(Model):
        def execute(self, machine: str, ops: Sequence[Op], *, deadline_s: float) -> tuple[OpResult, ...]:
            if machine == "vm1":
                raise Unreachable("vm1: no route")
            return super().execute(machine, ops, deadline_s=deadline_s)

    deaf = Deaf(model.inventory, model.facts)
    with pytest.raises(RestartRefused, match="vm2 does not shut down: vm1: no route"):
        restart_wsl(deaf, VMS, None, quiet)
    assert deaf.done == []


def test_one_that_does_not_start_takes_only_those_below_it(model: Model) -> None:
    model.broken = {"vm1"}
    others = (*VMS[:1], RunningVm("wsl", "web", 1), VMS[1])
    with pytest.raises(AgentError, match=r"vm1 did not come up again: wsl: domain\.start failed: no memory"):
        restart_wsl(model, others, None, quiet)
    assert model.done[-2:] == ["domain.start vm1", "domain.start web"]


def test_the_command_says_who_is_cut_and_puts_back_what_only_wsl_held(model: Model) -> None:
    prepared = prepare_restart(model, quiet)
    assert "VM vm2 (in vm1); started again" in prepared.plan.cut
    result = run_restart(prepared, quiet)
    assert (result.result, result.exit_code) == (Result.COMMITTED, 0)
    assert model.done == [*FULL, "route.add wsl"]
    assert {result.outcomes[one.id] for one in result.changes} == {"done"}
    assert "WSL runs in mode mirrored, as .wslconfig asks for" in result.notes
    assert [(one.ended, one.vms) for one in read_runs(model.inventory.state)] == [(End.RESTARTED, VMS)]


def test_a_refused_restart_leaves_nothing_to_resume(model: Model) -> None:
    model.stuck = {"vm2"}
    with pytest.raises(RestartRefused):
        run_restart(prepare_restart(model, quiet), quiet)
    assert [one.ended for one in read_runs(model.inventory.state)] == [End.ROLLED_BACK]


def test_a_restart_that_breaks_off_can_be_resumed(model: Model) -> None:
    model.broken = {"vm2"}
    result = run_restart(prepare_restart(model, quiet), quiet)
    assert result.result is Result.FAILED
    assert "`wslnet resume`" in (result.reason or "")
    assert [one.ended for one in read_runs(model.inventory.state)] == [End.INTERRUPTED]


def test_another_mode_than_asked_for_is_told(model: Model) -> None:
    model.facts["windows"]["wslconfig"]["content"] = "W3dzbDJdCm5ldHdvcmtpbmdNb2RlPW5hdAo="
    result = run_restart(prepare_restart(model, quiet), quiet)
    assert any(
        note.startswith("WSL runs in mode mirrored, and .wslconfig asks for nat") for note in result.notes
    )
