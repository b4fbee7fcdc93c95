"""The guard on a Linux machine fires alone: whatever happens to the link, to its agent, or to itself."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from wslnet.model.change import Op

from .agent_bench import Netns, agent_in, wire_up

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wslnet.transport.agent_client import AgentClient

pytestmark = pytest.mark.lab

ROUTE = {"family": 4, "dst": "192.168.124.0/24", "via": "192.168.122.191", "dev": "eth0"}
DROP = {
    "backend": "iptables", "family": 4, "table": "filter", "chain": "INPUT",
    "spec": ["-p", "tcp", "-m", "tcp", "--dport", "22", "-j", "DROP"],
}  # fmt: skip
FORWARD = "net.ipv4.ip_forward"
CHANGES = (
    Op("sysctl.set", {"key": FORWARD, "value": "1"}),
    Op("rule.insert", {**DROP, "position": 1}),
    Op("route.add", ROUTE),
)
UNDO = [
    {"verb": "sysctl.set", "args": {"key": FORWARD, "value": "0"}},
    {"verb": "rule.delete", "args": DROP},
    {"verb": "route.delete", "args": ROUTE},
]
OURS = {"run": "run-1", "token": "secret"}
GRACE_S = 2.0


class Machine:
    """A namespace whose agents share one private /run; whatever guard is left is killed at the end."""

    def __init__(self, folder: Path) -> None:
        self.net, self.peer = Netns(), Netns()
        wire_up(self.net, "eth0", "192.168.122.1/24", self.peer, "eth0", "192.168.122.191/24")
        self.run = folder / "run"
        self.run.mkdir()
        self.before = self.state()

    def agent(self) -> contextlib.AbstractContextManager[AgentClient]:
        bind = ("unshare", "--mount", "--propagation", "private", "sh", "-c")
        script = f'mount --bind {self.run} /run && exec "$@"'
        return agent_in(self.net, prefix=(*bind, script, "sh"))

    def state(self) -> str:
        rules = self.net.exec("iptables-save").splitlines()
        kept = [line for line in rules if line.startswith("-A")]  # a look alone creates empty chains
        return "\n".join([*kept, self.net.exec("ip", "-N", "route"), self.net.exec("sysctl", FORWARD)])

    def back_after(self, began: float, limit_s: float) -> float:
        """Seconds from `began` until the old state is there."""
        while self.state() != self.before:
            assert time.monotonic() - began < limit_s, self.state()
            time.sleep(0.05)
        return time.monotonic() - began

    def guards(self) -> list[int]:
        """Guard processes: who holds the lock file open."""
        file = self.run / "wslnet" / "guard.alive"
        if not file.exists():
            return []
        wanted, found = file.stat(), []
        for process in (each for each in Path("/proc").iterdir() if each.name.isdigit()):
            with contextlib.suppress(OSError):  # it ended while we looked
                held = [link.stat() for link in (process / "fd").iterdir() if link.exists()]
                if any((one.st_dev, one.st_ino) == (wanted.st_dev, wanted.st_ino) for one in held):
                    found.append(int(process.name))
        return found

    def kill_guard(self) -> None:
        (pid,) = self.guards()
        os.kill(pid, signal.SIGKILL)
        while self.guards():
            time.sleep(0.01)

    def remove(self) -> None:
        for pid in self.guards():
            os.kill(pid, signal.SIGKILL)
        self.net.remove()
        self.peer.remove()


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    machine = Machine(tmp_path)
    try:
        yield machine
    finally:
        machine.remove()


def changed(agent: AgentClient, deadline_s: float, *more: Op) -> None:
    """Arms and changes in one request, as the engine does."""
    ops = [Op("guard.arm", {**OURS, "deadline_s": deadline_s, "undo": UNDO}), *CHANGES, *more]
    for result in agent.run(ops):
        assert result.ok, result.message


def code(agent: AgentClient, verb: str, **args: object) -> str:
    (result,) = agent.run([Op(verb, args)])
    return result.code


def test_it_fires_alone_in_time_and_tells_the_next_contact(machine: Machine) -> None:
    with machine.agent() as agent:
        began = time.monotonic()
        changed(agent, 2.0)
        assert machine.state() != machine.before
        (pid,) = machine.guards()
        assert {str(Path(f"/proc/{pid}/fd/{number}").readlink()) for number in range(3)} == {"/dev/null"}
        assert os.getsid(pid) not in {os.getsid(0), os.getsid(os.getppid())}
    took = machine.back_after(began, 2.0 + GRACE_S)
    assert took >= 2.0
    assert machine.guards() == []
    assert (machine.run / "wslnet" / "guard.json").stat().st_mode & 0o777 == 0o600
    assert (machine.run / "wslnet").stat().st_mode & 0o777 == 0o700
    with machine.agent() as agent:
        assert agent.call("guard.status")["state"] == "fired"
        told = agent.call("guard.disarm", **OURS)
        assert (told["state"], [one["error"] for one in told["done"]]) == ("fired", [None] * 3)
        assert agent.call("guard.status") == {"state": "none"}
    assert list((machine.run / "wslnet").iterdir()) == []


def test_disarmed_over_another_connection_the_changes_stay(machine: Machine) -> None:
    with machine.agent() as agent:
        changed(agent, 1.0)
    with machine.agent() as agent:
        assert agent.call("guard.extend", **OURS, deadline_s=1.5)["state"] == "armed"
        time.sleep(1.0)
        new = machine.state()
        assert agent.call("guard.disarm", **OURS)["state"] == "armed"
        assert machine.guards() == []
        time.sleep(1.0)
    assert machine.state() == new != machine.before


def test_a_wrong_token_run_or_second_run_is_refused_with_its_reason(machine: Machine) -> None:
    with machine.agent() as agent:
        changed(agent, 30.0)
        for wrong in ({**OURS, "token": "guess"}, {**OURS, "run": "run-0"}):
            assert code(agent, "guard.disarm", **wrong) == "not-permitted"
            assert code(agent, "guard.extend", **wrong, deadline_s=9) == "not-permitted"
        arm, change = agent.run(
            [Op("guard.arm", {"run": "run-2", "token": "x", "deadline_s": 9, "undo": []}), CHANGES[0]]
        )
        assert (arm.code, change.code) == ("exists", "not-run")
        assert "run-1" in arm.message
        assert agent.call("guard.status")["alive"] is True
        assert "token" not in agent.call("guard.status")
        assert agent.call("guard.disarm", **OURS)["state"] == "armed"
        assert code(agent, "guard.disarm", **OURS) == "not-found"


def test_more_to_undo_comes_to_the_same_guard(machine: Machine) -> None:
    with machine.agent() as agent:
        for change, undo in zip(CHANGES, UNDO, strict=True):
            arm = Op("guard.arm", {**OURS, "deadline_s": 1.5, "undo": [undo]})
            assert [one.ok for one in agent.run([arm, change])] == [True, True]
        began = time.monotonic()
        assert len(machine.guards()) == 1
        machine.back_after(began, 1.5 + GRACE_S)
        done = agent.call("guard.disarm", **OURS)["done"]
    assert [one["verb"] for one in done] == ["route.delete", "rule.delete", "sysctl.set"]


@pytest.mark.parametrize("after", range(len(CHANGES) + 1))
def test_an_agent_killed_at_any_op_leaves_its_guard(machine: Machine, after: int) -> None:
    with machine.agent() as agent:
        began = time.monotonic()
        arm = Op("guard.arm", {**OURS, "deadline_s": 1.0, "undo": UNDO})
        assert all(one.ok for one in agent.run([arm, *CHANGES[:after]]))
        agent._pipe.process.kill()
        agent._pipe.process.wait(5)
        with contextlib.suppress(BrokenPipeError):
            agent._pipe.process.stdin.close()
        machine.back_after(began + 1.0, GRACE_S)


@pytest.mark.parametrize("verb", ["guard.extend", "guard.disarm", "guard.arm"])
def test_what_a_killed_guard_left_is_undone_at_the_next_contact(machine: Machine, verb: str) -> None:
    with machine.agent() as agent:
        changed(agent, 1.0)
        machine.kill_guard()
        time.sleep(1.1)
        assert machine.state() != machine.before
        assert agent.call("guard.status")["alive"] is False
        if verb == "guard.arm":
            other = {"run": "run-2", "token": "x", "deadline_s": 9, "undo": []}
            (result,) = agent.run([Op(verb, other)])
            assert result.code == "exists"
            assert "undone just now" in result.message
        else:
            assert agent.call(verb, **OURS, deadline_s=9)["state"] == "fired"
        assert machine.state() == machine.before


def test_a_guard_that_died_in_time_is_started_anew_by_an_extension(machine: Machine) -> None:
    with machine.agent() as agent:
        changed(agent, 20.0)
        machine.kill_guard()
        began = time.monotonic()
        assert agent.call("guard.extend", **OURS, deadline_s=1.0)["state"] == "armed"
    machine.back_after(began, 1.0 + GRACE_S)


def test_a_state_file_that_somebody_removed_does_not_stop_it(machine: Machine) -> None:
    with machine.agent() as agent:
        began = time.monotonic()
        changed(agent, 5)
        time.sleep(0.6)
        (machine.run / "wslnet" / "guard.json").unlink()
    with machine.agent() as other:
        # It must not be taken for the guard of another run.
        arm = Op("guard.arm", {"run": "run-2", "token": "x", "deadline_s": 9, "undo": []})
        (result,) = other.run([arm])
        assert (result.code, "removed" in result.message) == ("exists", True)
    machine.back_after(began, 5 + GRACE_S)


def test_an_op_that_it_could_not_undo_is_refused_before_anything_changes(machine: Machine) -> None:
    with machine.agent() as agent:
        arm = Op("guard.arm", {**OURS, "deadline_s": 9, "undo": [{"verb": "route.paint", "args": {}}]})
        refused, change = agent.run([arm, CHANGES[0]])
        assert (refused.code, change.code) == ("bad-op", "not-run")
    assert machine.state() == machine.before
    assert machine.guards() == []
