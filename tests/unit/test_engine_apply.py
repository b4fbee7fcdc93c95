"""Apply and take back, on a model of one Linux machine that really holds what ops change."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from wslnet.engine.apply import Progress, apply_changes, check_forecast
from wslnet.engine.gather import gather
from wslnet.engine.guards import Guards
from wslnet.engine.journal import FOLDER, Journal
from wslnet.engine.planner import fingerprint, make_plan
from wslnet.engine.run_log import read_runs
from wslnet.engine.take_back import roll_back
from wslnet.errors import (
    AgentError,
    AuthenticationFailed,
    DeadlineExceeded,
    NeedsElevation,
    OutcomeUnknown,
    PlanRefused,
    RollbackIncomplete,
    Unreachable,
    WslnetError,
)
from wslnet.model.change import OpResult
from wslnet.model.linux_facts import LinuxFacts
from wslnet.model.machine import Inventory, Kind, Machine
from wslnet.resources.forward_accept import ForwardAccept
from wslnet.resources.static_route import StaticRoute
from wslnet.resources.sysctl import Sysctl

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from wslnet.model.change import Op

NEEDS = {"host": frozenset({"routes", "sysctls", "firewall"})}


@dataclass
class ModelFleet:
    """One Linux machine in memory.

    `fail` makes a verb fail, `lie` makes it say done and do nothing, `refuse` stops a request with it.
    """

    inventory: Inventory
    routes: list[dict[str, object]] = field(default_factory=list)
    sysctls: dict[str, str] = field(default_factory=lambda: {"net.ipv4.ip_forward": "0"})
    forward: list[list[str]] = field(default_factory=lambda: [["-o", "virbr0", "-j", "REJECT"]])
    fail: set[str] = field(default_factory=set)
    lie: set[str] = field(default_factory=set)
    refuse: dict[str, WslnetError] = field(default_factory=dict)
    requests: list[list[str]] = field(default_factory=list)

    def execute(self, machine: str, ops: Sequence[Op], *, deadline_s: float) -> tuple[OpResult, ...]:
        assert machine == "host"
        assert deadline_s > 0
        self.requests.append([op.verb for op in ops])
        for op in ops:
            if op.verb in self.refuse:
                raise self.refuse[op.verb]
        results: list[OpResult] = []
        for op in ops:
            if results and not results[-1].ok:
                results.append(OpResult(code="not-run", message="not run"))
            elif op.verb in self.fail:
                results.append(OpResult(code="failed", message=f"{op.verb} made to fail"))
            else:
                results.append(self._one(op))
        return tuple(results)

    def forget(self, machines: Iterable[str]) -> None:
        assert set(machines) <= set(self.inventory.machines)

    def _one(self, op: Op) -> OpResult:
        args = dict(op.args)
        if op.verb == "facts":
            rules = "".join(f"-A FORWARD {' '.join(rule)}\n" for rule in self.forward)
            saved = f"*filter\n:FORWARD ACCEPT [0:0]\n{rules}COMMIT\n"
            firewall = {"default": "iptables-nft", "backends": {"iptables-nft": {"4": saved}}}
            return OpResult({"routes": self.routes, "sysctls": dict(self.sysctls), "firewall": firewall})
        if op.verb in self.lie:
            return OpResult({})
        if op.verb == "route.add":
            self.routes.append(args)
        elif op.verb == "route.delete":
            if args not in self.routes:
                return OpResult(code="not-found", message="no such route")
            self.routes.remove(args)
        elif op.verb == "sysctl.set":
            self.sysctls[str(args["key"])] = str(args["value"])
        elif op.verb == "rule.insert":
            self.forward.insert(int(str(args["position"])) - 1, list(args["spec"]))  # type: ignore[call-overload]
        elif op.verb == "rule.delete":
            spec = list(args["spec"])  # type: ignore[call-overload]
            if spec not in self.forward:
                return OpResult(code="not-found", message="no such rule")
            self.forward.remove(spec)
        else:
            return OpResult(code="bad-op", message=op.verb)
        return OpResult({})

    def state(self) -> str:
        return json.dumps([self.routes, self.sysctls, self.forward], sort_keys=True)


RESOURCES = (
    Sysctl("host", "net.ipv4.ip_forward", "1", "test"),
    ForwardAccept("host", "10.0.1.0/24", "10.0.2.0/24", "eth0", "virbr0", "test"),
    StaticRoute("host", "10.0.3.0/24", "10.0.2.9", "virbr0", "test"),
)


@pytest.fixture
def fleet(tmp_path: Path) -> ModelFleet:
    machine = Machine("host", Kind.PEER, address="192.0.2.1")
    return ModelFleet(Inventory(tmp_path / "wslnet.toml", tmp_path / "state", {"host": machine}))


def run_of(fleet: ModelFleet, name: str = "run") -> Progress:
    return Progress(fleet, Journal(fleet.inventory.state / FOLDER, name), lambda _machine, _text: None)


def records(run: Progress) -> list[dict[str, object]]:
    return [json.loads(line) for line in run.journal.path.read_text(encoding="utf-8").splitlines()]


def test_all_is_done_in_one_request_read_back_and_then_nothing_is_left_to_do(fleet: ModelFleet) -> None:
    plan = make_plan(gather(fleet, NEEDS), RESOURCES)
    fleet.requests.clear()
    run = run_of(fleet)
    with run.journal:
        apply_changes(run, plan.changes, RESOURCES)
    assert fleet.requests == [["sysctl.set", "rule.insert", "route.add"], ["facts"]]
    assert set(run.outcomes.values()) == {"done"}
    assert fleet.forward[0][:2] == ["-s", "10.0.1.0/24"]
    assert make_plan(gather(fleet, NEEDS), RESOURCES).changes == ()


def test_the_undo_of_a_change_is_on_disk_before_the_change(fleet: ModelFleet) -> None:
    plan = make_plan(gather(fleet, NEEDS), RESOURCES[2:])
    fleet.fail.add("route.add")
    run = run_of(fleet)
    with run.journal, pytest.raises(AgentError):
        apply_changes(run, plan.changes, RESOURCES)
    (intent,) = [record for record in records(run) if record["kind"] == "intent"]
    assert intent["change"]["undo"]["verb"] == "route.delete"  # type: ignore[index]


@pytest.mark.parametrize("verb", ["sysctl.set", "rule.insert", "route.add"])
def test_a_failure_is_taken_back_to_the_very_state_of_before(fleet: ModelFleet, verb: str) -> None:
    before = fleet.state()
    plan = make_plan(gather(fleet, NEEDS), RESOURCES)
    fleet.fail.add(verb)
    run = run_of(fleet)
    with run.journal, pytest.raises(AgentError, match="made to fail"):
        apply_changes(run, plan.changes, RESOURCES)
    fleet.fail.clear()
    with Journal(fleet.inventory.state, "second") as journal:
        run.journal = journal
        roll_back(run)
    assert fleet.state() == before


@pytest.mark.row("S0-25")
def test_what_reads_back_as_before_is_a_failure_whatever_the_agent_said(fleet: ModelFleet) -> None:
    plan = make_plan(gather(fleet, NEEDS), RESOURCES)
    fleet.lie.add("rule.insert")
    run = run_of(fleet)
    with run.journal, pytest.raises(AgentError, match="reads back as before"):
        apply_changes(run, plan.changes, RESOURCES)


@pytest.mark.parametrize(
    "error", [AuthenticationFailed("401"), DeadlineExceeded("late"), NeedsElevation("no")]
)
def test_a_request_that_was_not_let_through_changed_nothing(fleet: ModelFleet, error: WslnetError) -> None:
    plan = make_plan(gather(fleet, NEEDS), RESOURCES)
    fleet.refuse["route.add"] = error
    run = run_of(fleet)
    run.guards = Guards(fleet, run.journal)
    with run.journal, pytest.raises(type(error)):
        apply_changes(run, plan.changes, RESOURCES)
    assert (run.applied, set(run.outcomes.values()), run.guards.armed) == ([], {"not-done"}, {})
    assert read_runs(fleet.inventory.state)[0].left == ()


def test_a_request_that_may_have_gone_through_is_taken_back(fleet: ModelFleet) -> None:
    plan = make_plan(gather(fleet, NEEDS), RESOURCES)
    fleet.refuse["route.add"] = OutcomeUnknown("no answer")
    run = run_of(fleet)
    with run.journal, pytest.raises(OutcomeUnknown):
        apply_changes(run, plan.changes, RESOURCES)
    assert (len(run.applied), set(run.outcomes.values())) == (3, {"unknown"})


def test_what_cannot_be_taken_back_is_listed(fleet: ModelFleet) -> None:
    plan = make_plan(gather(fleet, NEEDS), RESOURCES)
    run = run_of(fleet)
    with run.journal:
        apply_changes(run, plan.changes, RESOURCES)
        fleet.fail.add("rule.delete")
        with pytest.raises(RollbackIncomplete) as caught:
            roll_back(run)
    assert len(caught.value.left) == 1
    assert "host: forward 10.0.1.0/24 -> 10.0.2.0/24" in caught.value.left[0]
    assert fleet.routes == []
    assert fleet.sysctls == {"net.ipv4.ip_forward": "0"}


def test_a_machine_out_of_reach_is_waited_for_once(fleet: ModelFleet) -> None:
    plan = make_plan(gather(fleet, NEEDS), RESOURCES)
    run = run_of(fleet)
    with run.journal:
        apply_changes(run, plan.changes, RESOURCES)
        asked = len(fleet.requests)
        fleet.refuse = {change.undo.verb: Unreachable("no way") for change in plan.changes if change.undo}
        with pytest.raises(RollbackIncomplete) as caught:
            roll_back(run)
    assert len(fleet.requests) == asked + 1
    assert [one.rpartition(": ")[2] for one in caught.value.left] == ["no way"] * 3


def test_foreign_rules_stay_where_they_are(fleet: ModelFleet) -> None:
    plan = make_plan(gather(fleet, NEEDS), RESOURCES)
    run = run_of(fleet)
    with run.journal:
        apply_changes(run, plan.changes, RESOURCES)
        fleet.forward.insert(0, ["-s", "172.16.0.0/12", "-j", "DROP"])
        roll_back(run)
    assert fleet.forward == [["-s", "172.16.0.0/12", "-j", "DROP"], ["-o", "virbr0", "-j", "REJECT"]]


def test_a_journal_that_cannot_be_written_refuses_before_the_first_change(fleet: ModelFleet) -> None:
    fleet.inventory.state.parent.joinpath("state").write_text("a file in the way", encoding="utf-8")
    with pytest.raises(WslnetError, match="journal cannot be written"):
        run_of(fleet)
    assert fleet.requests == []


def test_a_route_of_somebody_else_is_refused_not_replaced(fleet: ModelFleet) -> None:
    fleet.routes.append({"family": 4, "dst": "10.0.3.0/24", "via": "10.0.2.77", "dev": "virbr0", "proto": 3})
    with pytest.raises(PlanRefused, match=r"10\.0\.2\.77"):
        make_plan(gather(fleet, NEEDS), RESOURCES)


def test_a_change_that_was_not_in_the_forecast_is_refused(fleet: ModelFleet) -> None:
    changes = make_plan(gather(fleet, NEEDS), RESOURCES).changes
    check_forecast(changes, changes[1:])
    with pytest.raises(PlanRefused, match="not in the plan"):
        check_forecast(changes[1:], changes)


def test_counters_and_comments_do_not_move_a_fingerprint_and_a_rule_does() -> None:
    def facts(saved: str) -> LinuxFacts:
        firewall = {"default": "iptables-nft", "backends": {"iptables-nft": {"4": saved}}}
        import msgspec  # noqa: PLC0415

        return msgspec.convert({"firewall": firewall}, LinuxFacts)

    one = "# at noon\n*filter\n:FORWARD ACCEPT [1:2]\n[3:4] -A FORWARD -j ACCEPT\nCOMMIT\n"
    counted = "# later\n*filter\n:FORWARD ACCEPT [9:9]\n[8:8] -A FORWARD -j ACCEPT\nCOMMIT\n"
    assert fingerprint(facts(one)) == fingerprint(facts(counted))
    assert fingerprint(facts(one)) != fingerprint(facts(one.replace("-j ACCEPT", "-j DROP")))
