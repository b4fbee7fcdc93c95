"""Machines in memory with guards of their own and one clock: what the real agent does, without its time."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Self

from wslnet.app import execute
from wslnet.app.setup import Prepared
from wslnet.engine import guards, run_log
from wslnet.engine.gather import gather
from wslnet.engine.planner import make_plan
from wslnet.errors import OutcomeUnknown, Unreachable
from wslnet.model.change import Op, OpResult
from wslnet.model.machine import Inventory, Kind, Machine
from wslnet.profiles.modes import SetupOptions
from wslnet.resources.sysctl import Sysctl

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    import pytest

KEY = "net.ipv4.ip_forward"
OUTER, INNER = "outer", "inner"


@dataclass
class Clock:
    """Time that moves only when somebody waits."""

    now: float = 1000.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def patch(self, patch: pytest.MonkeyPatch) -> None:
        clock = self

        class Fake(datetime):
            @classmethod
            def now(cls, tz: Any = None) -> Self:  # type: ignore[override]  # noqa: ARG003
                return cls(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=clock.now)

        patch.setattr(guards, "time", self)
        patch.setattr(run_log, "datetime", Fake)
        patch.setattr(execute, "datetime", Fake)


@dataclass
class ModelGuard:
    run: str
    token: str
    deadline: float
    undo: list[dict[str, Any]]
    fired: bool = False


@dataclass
class ModelLock:
    run: str
    token: str
    holder: str
    until: float


@dataclass
class GuardedFleet:
    """`outer` and in it `inner`; `cut` machines answer nobody, `refuse` makes arming fail with that code."""

    inventory: Inventory
    clock: Clock
    values: dict[str, str] = field(default_factory=lambda: {OUTER: "0", INNER: "0"})
    held: dict[str, ModelGuard] = field(default_factory=dict)
    locks: dict[str, ModelLock] = field(default_factory=dict)
    cut: set[str] = field(default_factory=set)
    cut_on_change: set[str] = field(default_factory=set)
    refuse: str = ""
    requests: list[tuple[str, list[str]]] = field(default_factory=list)

    @classmethod
    def at(cls, folder: Path, clock: Clock) -> Self:
        machines = {
            OUTER: Machine(OUTER, Kind.WSL, address="192.0.2.1"),
            INNER: Machine(INNER, Kind.VM, parent=OUTER, address="192.0.2.2"),
        }
        return cls(Inventory(folder / "wslnet.toml", folder / "state", machines), clock)

    def let_time_pass(self) -> None:
        """Every guard whose time is over fires, whoever is cut off."""
        for machine, guard in self.held.items():
            if not guard.fired and self.clock.now >= guard.deadline:
                for op in reversed(guard.undo):
                    self.values[machine] = op["args"]["value"]
                guard.fired = True

    def execute(self, machine: str, ops: Sequence[Op], *, deadline_s: float) -> tuple[OpResult, ...]:
        assert deadline_s > 0
        self.let_time_pass()
        self.requests.append((machine, [op.verb for op in ops]))
        if machine in self.cut or (machine == INNER and OUTER in self.cut):
            raise Unreachable(f"{machine}: cut", machine=machine)
        results: list[OpResult] = []
        for op in ops:
            if results and not results[-1].ok:
                results.append(OpResult(code="not-run", message="not run"))
            else:
                one = self._lock if op.verb.startswith("lock.") else self._one
                results.append(one(machine, op.verb, dict(op.args)))
        if machine in self.cut_on_change and any(op.verb == "sysctl.set" for op in ops):
            self.cut_on_change.discard(machine)
            self.cut.add(machine)
            raise OutcomeUnknown(f"{machine}: cut in mid-request", machine=machine)
        return tuple(results)

    def forget(self, machines: Iterable[str]) -> None:
        assert set(machines) <= set(self.inventory.machines)

    def _one(self, machine: str, verb: str, args: dict[str, Any]) -> OpResult:
        if verb in {"facts", "owned.forget"}:
            # Nothing keeps anything here, so there is nothing to forget.
            return OpResult({"sysctls": {KEY: self.values[machine]}})
        if verb == "sysctl.set":
            before, self.values[machine] = self.values[machine], args["value"]
            return OpResult({"before": before})
        guard = self.held.get(machine)
        mine = guard is not None and (guard.run, guard.token) == (args["run"], args["token"])
        if verb == "guard.arm":
            if self.refuse or (guard is not None and not guard.fired and not mine):
                return OpResult(code=self.refuse or "exists", message="run x waits here")
            until = self.clock.now + args["deadline_s"]
            undo = [*(guard.undo if mine and guard else []), *args["undo"]]
            self.held[machine] = ModelGuard(args["run"], args["token"], until, undo)
            return OpResult({"state": "armed"})
        if guard is None or not mine:
            code = "not-found" if guard is None else "not-permitted"
            return OpResult(code=code, message="no guard of this run")
        if verb == "guard.extend" and not guard.fired:
            guard.deadline = self.clock.now + args["deadline_s"]
        if verb == "guard.disarm":
            del self.held[machine]
        return OpResult({"state": "fired" if guard.fired else "armed"})

    def _lock(self, machine: str, verb: str, args: dict[str, Any]) -> OpResult:
        lock, guard = self.locks.get(machine), self.held.get(machine)
        if verb == "lock.release":
            if lock is not None and lock.token == args["token"]:
                del self.locks[machine]
            return OpResult({"state": "free"})
        if lock is not None and lock.token != args["token"] and self.clock.now < lock.until:
            return OpResult(code="exists", message=f"locked by {lock.holder}, run {lock.run}")
        if guard is not None and guard.run != args["run"] and not guard.fired:
            return OpResult(code="exists", message=f"run {guard.run} waits here for its confirmation")
        until = self.clock.now + args["lease_s"]
        self.locks[machine] = ModelLock(args["run"], args["token"], args["holder"], until)
        return OpResult({"state": "held"})


def prepared(fleet: GuardedFleet) -> Prepared:
    """A plan that sets the value of both machines to 1."""
    resources = tuple(Sysctl(machine, KEY, "1", "test") for machine in (OUTER, INNER))
    snapshot = gather(fleet, {machine: frozenset({"sysctls"}) for machine in (OUTER, INNER)})
    plan = make_plan(snapshot, resources)
    return Prepared(fleet, SetupOptions(), snapshot, resources, plan, lambda _: ())
