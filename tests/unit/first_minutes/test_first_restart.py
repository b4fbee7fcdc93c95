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
FOREIGN = {
    "family": 4,
    "dst": "10.9.0.0/16",
    "via": "192.168.122.191",
    "dev": "virbr0",
    "table": 254,
    "proto": 3,
    "metric": 0,
}
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
    refusing: set[str] = field(default_factory=set)
    faster: set[str] = field(default_factory=set)
    """Machines that put their route back themselves, at the last moment."""
    locked: set[str] = field(default_factory=set)

    def execute(self, machine: str, ops: Sequence[Op], *, deadline_s: float) -> tuple[OpResult, ...]:
        assert deadline_s > 0
        if machine not in self.up | {"windows", "lan"}:
            raise Unreachable(f"{machine}: no route")
        return tuple((self._lock if op.verb.startswith("lock.") else self._one)(machine, op) for op in ops)

    def forget(self, machines: Iterable[str]) -> None:
        assert set(machines) <= set(self.inventory.machines)

    def _lock(self, machine: str, op: Op) -> OpResult:
        (self.locked.add if op.verb == "lock.hold" else self.locked.discard)(machine)
        return OpResult({})

    def _one(self, machine: str, op: Op) -> OpResult:
        name = str(op.args.get("name", ""))
        if op.verb == "facts":
            return OpResult(self._facts(machine, op.args["needs"]))
        if op.verb == "probes":
            return OpResult([{"ok": True, "ms": 1.0, "detail": "ok"} for _ in op.args["probes"]])  # type: ignore[attr-defined]
        self.done.append(f"{op.verb} {name or machine}")
        if op.verb == "wsl.shutdown":
            self.locked &= {"windows"}
            self.up.clear()
            routes = self.facts["wsl"]["routes"]
            lost = {"192.168.124.0/24", FOREIGN["dst"]}
            self.facts["wsl"]["routes"] = [one for one in routes if one["dst"] not in lost]
        elif op.verb == "wsl.start":
            self.up.add("wsl")
        elif op.verb in {"domain.shutdown", "domain.save"}:
            if name in self.stuck:
                return OpResult(code="timed-out", message=f"{name} is not shut off in time")
            self.up.discard(name)
        elif op.verb == "domain.start":
            if name in self.broken:
                return OpResult(code="failed", message="no memory")
            self.up.add(name)
        elif op.verb == "route.add":
            return self._add_route(machine, dict(op.args))
        return OpResult({})

    def _add_route(self, machine: str, route: dict[str, Any]) -> OpResult:
        if machine in self.refusing:
            return OpResult(code="not-found", message="no such interface")
        self.facts[machine]["routes"].append(route)
        if machine in self.faster:
            return OpResult(code="exists", message="File exists")
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
    assert model.locked == set()
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


def test_what_a_machine_puts_back_itself_is_no_failure(model: Model) -> None:
    model.faster = {"wsl"}
    result = run_restart(prepare_restart(model, quiet), quiet)
    assert (result.result, result.reason) == (Result.COMMITTED, None)
    assert [change.resource for change in result.changes] == ["WSL"]
    assert model.done == [*FULL, "route.add wsl"]


def test_another_mode_than_asked_for_is_told(model: Model) -> None:
    model.facts["windows"]["wslconfig"]["content"] = "W3dzbDJdCm5ldHdvcmtpbmdNb2RlPW5hdAo="
    result = run_restart(prepare_restart(model, quiet), quiet)
    assert any(
        note.startswith("WSL runs in mode mirrored, and .wslconfig asks for nat") for note in result.notes
    )


def test_a_route_by_hand_is_forecast_and_put_back_before_wslnets_own(model: Model) -> None:
    model.facts["wsl"]["routes"].append(dict(FOREIGN))
    prepared = prepare_restart(model, quiet)
    listed = {(one["machine"], one["what"], one["put_back"]) for one in prepared.plan.captured}
    assert ("wsl", "route 10.9.0.0/16 via 192.168.122.191 dev virbr0", True) in listed
    result = run_restart(prepared, quiet)
    assert model.done == [*FULL, "route.add wsl", "route.add wsl"]
    back = [one for one in model.facts["wsl"]["routes"] if one["dst"] == FOREIGN["dst"]]
    assert back == [FOREIGN]
    assert [change.resource for change in result.changes] == ["WSL", "route 192.168.124.0/24"]
    (log,) = read_runs(model.inventory.state)
    assert [one.route.dst for one in log.captured.foreign.routes] == ["10.9.0.0/16"]


def test_what_cannot_be_put_back_is_told(model: Model) -> None:
    model.facts["wsl"]["routes"].append(dict(FOREIGN))
    prepared = prepare_restart(model, quiet)
    model.refusing = {"wsl"}
    result = run_restart(prepared, quiet)
    assert result.result is Result.FAILED  # wslnet's own route is refused too
    assert any("not put back: wsl: route 10.9.0.0/16" in note for note in result.notes)


def test_a_refused_restart_gives_a_vm_that_was_started_again_its_state_back(model: Model) -> None:
    inside = FOREIGN | {"dev": "ens3", "via": "192.168.124.1"}
    model.facts["vm2"]["routes"].append(inside)
    prepared = prepare_restart(model, quiet)
    model.stuck = {"vm1"}

    class Forgetful(Model):
        def _one(self, machine: str, op: Op) -> OpResult:
            if op.verb == "domain.shutdown" and op.args["name"] == "vm2":
                self.facts["vm2"]["routes"].remove(inside)
            return super()._one(machine, op)

    forgetful = Forgetful(model.inventory, model.facts, model.stuck)
    with pytest.raises(RestartRefused):
        run_restart(replace(prepared, fleet=forgetful), quiet)
    assert inside in model.facts["vm2"]["routes"]


def test_a_vm_that_asks_for_it_is_saved_and_what_runs_in_it_is_left_alone(model: Model) -> None:
    machines = {**model.inventory.machines, "vm1": replace(model.inventory["vm1"], save=True)}
    model.inventory = replace(model.inventory, machines=machines)
    prepared = prepare_restart(model, quiet)
    assert "VM vm1 (in wsl); saved with its memory, and goes on where it was" in prepared.plan.cut
    assert "VM vm2 (in vm1); goes on with the saved VM that it runs in" in prepared.plan.cut
    run_restart(prepared, quiet)
    assert model.done[:2] == ["domain.save vm1", "wsl.shutdown windows"]
    assert model.done[3:5] == ["domain.start vm1", "domain.start vm2"]


def test_docker_desktop_sessions_and_containers_are_named(model: Model) -> None:
    wsl = model.facts["windows"]["wsl"]
    wsl["distros"].append({"name": "docker-desktop", "state": "Running"})
    model.facts["wsl"] |= {
        "sessions": [{"user": "wujing", "terminal": "pts/0", "origin": "172.24.21.50"}],
        "containers": [{"engine": "docker", "name": "web", "image": "nginx:1.27"}],
    }
    before = prepare_restart(model, quiet).plan
    assert "Docker Desktop, which does not come back by itself: start it again on Windows" in before.cut
    assert "session of wujing on wsl pts/0 from 172.24.21.50" in before.cut
    assert "container web (nginx:1.27) of docker on wsl" in before.cut
    model.facts["wsl"]["sessions"] = []
    after = prepare_restart(model, quiet).plan
    assert after.cut != before.cut
    assert after.id == before.id
