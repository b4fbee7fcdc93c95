"""The lock on a Linux machine: one controller at a time, named to the others, freed when it is dead."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from wslnet.model.change import Op

from .agent_bench import agent_in
from .test_guard import CHANGES, OURS, Machine, changed

if TYPE_CHECKING:
    import contextlib
    from collections.abc import Iterator

    from wslnet.transport.agent_client import AgentClient

pytestmark = pytest.mark.lab

ME = {"run": "run-1", "token": "a" * 32, "holder": "ann@desk, process 7", "since": "2026-01-01T00:00Z"}
OTHER = {"run": "run-2", "token": "b" * 32, "holder": "bob@shed, process 8", "since": "2026-01-01T00:01Z"}
FREE = {"state": "free"}


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    machine = Machine(tmp_path)
    try:
        yield machine
    finally:
        machine.remove()


def refusal(agent: AgentClient, verb: str = "lock.hold", **args: Any) -> str:
    refused, change = agent.run([Op(verb, args), CHANGES[0]])
    assert (refused.code, change.code) == ("exists", "not-run"), refused
    return refused.message


def test_the_second_is_refused_and_told_who_it_is(machine: Machine) -> None:
    with machine.agent() as first, machine.agent() as second:
        assert first.call("lock.hold", **ME, lease_s=30)["state"] == "held"
        told = refusal(second, **OTHER, lease_s=30)
        assert told.startswith("locked by ann@desk, process 7, run run-1, since 2026-01-01T00:00Z; its lease")
        assert second.call("lock.release", **OTHER)["run"] == "run-1"
        assert (machine.run / "wslnet" / "lock.json").stat().st_mode & 0o777 == 0o600
        assert "token" not in second.call("lock.status")
        # What a dead run of the same state folder left is entered by its next run.
        assert second.call("lock.hold", **{**ME, "run": "run-3"}, lease_s=9)["run"] == "run-3"
        assert first.call("lock.release", **ME) == FREE
        assert second.call("lock.hold", **OTHER, lease_s=9)["state"] == "held"
        assert second.call("lock.release", **OTHER) == FREE
    assert machine.state() == machine.before
    assert list((machine.run / "wslnet").iterdir()) == []


def test_a_dead_holder_is_taken_over_only_when_its_guard_is_settled(machine: Machine) -> None:
    with machine.agent() as first, machine.agent() as second:
        assert first.call("lock.hold", **ME, lease_s=0.3)["state"] == "held"
        changed(first, 2.0)
        time.sleep(0.4)
        assert second.call("lock.status")["state"] == "dead"
        assert "run-1 waits here for its confirmation" in refusal(second, **OTHER, lease_s=9)
        machine.kill_guard()
        time.sleep(1.7)
        assert machine.state() != machine.before
        assert second.call("lock.hold", **OTHER, lease_s=9)["state"] == "held"
        assert machine.state() == machine.before
        assert "bob@shed" in refusal(first, **ME, lease_s=9)


def test_a_folder_that_somebody_else_put_there_is_not_trusted(machine: Machine) -> None:
    (machine.run / "wslnet").mkdir(mode=0o777)
    (machine.run / "wslnet").chmod(0o777)
    with machine.agent() as agent:
        (refused,) = agent.run([Op("lock.hold", {**ME, "lease_s": 9})])
    assert (refused.code, "/run/wslnet" in refused.message) == ("not-permitted", True)


def test_distributions_of_wsl_share_lock_and_guard(machine: Machine) -> None:
    """Two of them, each with files and processes of its own and one tmpfs that both see."""
    shared = Path("/dev/shm") / f"wslnet-{machine.run.parent.name}"
    shared.mkdir(mode=0o1777)
    script = f'mount -t tmpfs none /mnt && mkdir /mnt/wsl && mount --bind {shared} /mnt/wsl && exec "$@"'
    apart = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "--propagation", "private")

    def distro() -> contextlib.AbstractContextManager[AgentClient]:
        return agent_in(machine.net, prefix=(*apart, "sh", "-c", script, "sh"))

    try:
        with distro() as debian, distro() as ubuntu:
            assert debian.call("lock.hold", **ME, lease_s=30)["state"] == "held"
            assert "ann@desk" in refusal(ubuntu, **OTHER, lease_s=30)
            changed(debian, 30.0)
            new = machine.state()
            assert [one.name for one in sorted((shared / "wslnet").iterdir())] == [
                "guard.alive",
                "guard.json",
                "lock.json",
            ]
            assert ubuntu.call("guard.disarm", **OURS)["state"] == "armed"
            assert ubuntu.call("guard.status") == {"state": "none"}
            assert ubuntu.call("lock.release", **ME) == FREE
            assert list((shared / "wslnet").iterdir()) == []
            assert machine.state() == new != machine.before
    finally:
        shutil.rmtree(shared)
