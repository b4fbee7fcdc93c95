"""What the agent leaves on a disk, on a disk of its own: only ours, whole, marked, and gone again."""

from __future__ import annotations

import base64
import stat
import time
from typing import TYPE_CHECKING, Any

import pytest

from wslnet.model.change import Op
from wslnet.model.linux_facts import LinuxFacts
from wslnet.resources.persistent_file import Form, PersistentFile

from .agent_bench import Netns, agent_in, pythons

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from wslnet.transport.agent_client import AgentClient

import msgspec

pytestmark = pytest.mark.lab

RUN = "20260101T000000-000000Z"
HOOK = "/etc/network/if-up.d/wslnet-routes"
UNIT = "/etc/systemd/system/wslnet.service"
SCRIPT = PersistentFile("host", HOOK, Form.SCRIPT, "echo started\n", "test")


class Disk:
    """A folder that is /etc and /var/lib of the agents in one namespace."""

    def __init__(self, folder: Path) -> None:
        self.net = Netns()
        self.etc, self.var = folder / "etc", folder / "var-lib"
        for each in (self.etc, self.var):
            each.mkdir()
        (self.etc / "systemd" / "system").mkdir(parents=True)
        script = f'mount --bind {self.etc} /etc && mount --bind {self.var} /var/lib && exec "$@"'
        self.prefix = ("unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh")

    def agent(self, python: str = pythons()[0]) -> Any:
        return agent_in(self.net, python=python, prefix=self.prefix)

    def starts(self) -> str:
        """What the script does when the machine starts."""
        return self.net.exec(*self.prefix, HOOK)

    def below(self) -> list[str]:
        roots = (self.etc, self.var)
        return sorted(str(each.relative_to(root)) for root in roots for each in root.rglob("*"))


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    disk = Disk(tmp_path)
    try:
        yield disk
    finally:
        disk.net.remove()


def facts(agent: AgentClient) -> LinuxFacts:
    return msgspec.convert(agent.facts(["files"]), LinuxFacts)


def code(agent: AgentClient, op: Op) -> str:
    (result,) = agent.run([op])
    return result.code


def with_run(op: Op, run: str = RUN) -> Op:
    return Op(op.verb, {**op.args, "run": run})


@pytest.mark.parametrize("python", pythons())
def test_written_inert_marked_and_gone_with_all_that_was_made_for_it(disk: Disk, python: str) -> None:
    before = disk.below()
    with disk.agent(python) as agent:
        (change,) = SCRIPT.diff(facts(agent))
        assert code(agent, with_run(change.do)) == ""
        assert SCRIPT.diff(facts(agent)) == ()
        assert disk.starts() == ""
        assert code(agent, Op("marker.set", {"run": "20250101T000000-000000Z"})) == ""
        assert disk.starts() == "", "another run's mark is not its own"
        assert code(agent, Op("marker.set", {"run": RUN})) == ""
        assert disk.starts() == "started\n"
        assert facts(agent).files.confirmed == ("20250101T000000-000000Z", RUN)
        for run in (RUN, "20250101T000000-000000Z"):
            assert code(agent, Op("marker.remove", {"run": run})) == ""
        assert code(agent, Op("marker.remove", {"run": RUN})) == "not-found"
        assert disk.starts() == ""
        assert change.undo is not None
        assert code(agent, change.undo) == ""
        assert code(agent, change.undo) == "not-found"
    assert disk.below() == before


def test_the_file_of_an_earlier_run_comes_back_with_bytes_mode_and_owner(disk: Disk) -> None:
    hook = disk.etc / "network" / "if-up.d" / "wslnet-routes"
    hook.parent.mkdir(parents=True)
    old = b"#!/bin/sh\n# wslnet 20250101T000000-000000Z: older\nexit 0\n"
    hook.write_bytes(old)
    hook.chmod(0o700)
    with disk.agent() as agent:
        (change,) = SCRIPT.diff(facts(agent))
        assert code(agent, with_run(change.do)) == ""
        status = hook.stat()
        assert (stat.S_IMODE(status.st_mode), RUN.encode() in hook.read_bytes()) == (0o755, True)
        assert change.undo is not None
        assert code(agent, change.undo) == ""
    assert (hook.read_bytes(), stat.S_IMODE(hook.stat().st_mode)) == (old, 0o700)
    assert [each.name for each in hook.parent.iterdir()] == [hook.name]


def test_what_others_made_is_never_touched(disk: Disk) -> None:
    unit = disk.etc / "systemd" / "system" / "wslnet.service"
    unit.write_text("[Unit]\nDescription=mine\n", encoding="utf-8")
    link = disk.etc / "systemd" / "system" / "wslnet-link.service"
    link.symlink_to("/dev/null")
    content = base64.b64encode(b"# wslnet x: y\n").decode()
    with disk.agent() as agent:
        for path in (UNIT, "/etc/systemd/system/wslnet-link.service"):
            args = {"path": path, "content": content, "mode": 0o644}
            assert code(agent, Op("file.write", args)) == "exists"
            assert code(agent, Op("file.remove", {"path": path, "folders": []})) == "exists"
    assert unit.read_text(encoding="utf-8") == "[Unit]\nDescription=mine\n"
    assert link.is_symlink()


@pytest.mark.parametrize(
    "args",
    [
        {"path": "/etc/passwd"},
        {"path": "/etc/systemd/system/sshd.service"},
        {"path": "/etc/systemd/system/../../wslnet"},
        {"content": base64.b64encode(b"no tag").decode()},
        {"run": "../../etc/wslnet"},
    ],
)
def test_other_places_names_and_contents_are_refused(disk: Disk, args: dict[str, str]) -> None:
    before = disk.below()
    good = {"path": UNIT, "content": base64.b64encode(b"# wslnet @RUN@\n").decode(), "mode": 0o644}
    with disk.agent() as agent:
        assert code(agent, Op("file.write", good | args)) == "bad-op"
    assert disk.below() == before


def test_a_guard_takes_a_file_back_too(disk: Disk, tmp_path: Path) -> None:
    """Its code travels with the guard's op, which is the first that needs it."""
    before = disk.below()
    (tmp_path / "run").mkdir()
    script = disk.prefix[-2].replace("exec", f"mount --bind {tmp_path / 'run'} /run && exec")
    prefix = (*disk.prefix[:-2], script, "sh")
    with agent_in(disk.net, prefix=prefix) as agent:
        (change,) = SCRIPT.diff(facts(agent))
    assert change.undo is not None
    with agent_in(disk.net, prefix=prefix) as agent:
        guard = {"run": RUN, "token": "t", "deadline_s": 60, "undo": [change.undo.to_json()]}
        armed, wrote = agent.run([Op("guard.arm", guard), with_run(change.do)])
        assert (armed.message, wrote.message) == ("", "")
        late = {"run": RUN, "token": "t", "deadline_s": 0.01}
        agent.run([Op("guard.extend", late)])
    with agent_in(disk.net, prefix=prefix) as agent:
        for _ in range(100):
            status = agent.call("guard.status")
            assert isinstance(status, dict)
            if status["state"] == "fired" and not status["alive"]:
                break
            time.sleep(0.05)
        assert status["state"] == "fired"
        assert [one["error"] for one in status["done"]] == [None]
    assert disk.below() == before
