"""A running seed lab for tests: raised once a session, with what a test outside the program needs of it."""

from __future__ import annotations

import json
import os
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from wslnet_lab import control

from .agent_bench import Netns, agent_in, wire_up
from .asking import WSLNET
from .write_rules import judge_story

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from wslnet.transport.agent_client import AgentClient

UP_TIMEOUT_S = 100


def wslnet(*arguments: str, timeout_s: float = UP_TIMEOUT_S) -> subprocess.CompletedProcess[str]:
    """Runs the program itself and gives what it printed and its exit code."""
    return subprocess.run(
        [WSLNET, *arguments],
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
        stdin=subprocess.DEVNULL,
    )


@dataclass(frozen=True)
class RunningLab:
    """A lab that is up."""

    name: str
    inventory: Path

    def netns(self, machine: str) -> str:
        """Name of a machine's network namespace."""
        return f"wl-{self.name}-{machine}"

    def root(self, machine: str) -> Path:
        """Folder on this host where a machine's files lie."""
        return Path(self.status()["machines"][machine]["root"])

    def status(self) -> dict[str, Any]:
        """`lab status --json`."""
        done = wslnet("lab", "status", "--name", self.name, "--json")
        assert done.returncode == 0, done.stderr
        report: dict[str, Any] = json.loads(done.stdout)
        return report

    def run(self, machine: str, argv: list[str], timeout_s: float = 20) -> subprocess.CompletedProcess[str]:
        """Runs a program in a machine (`lab exec`)."""
        return wslnet("lab", "exec", "--name", self.name, machine, "--", *argv, timeout_s=timeout_s)

    def outside(
        self, machine: str, argv: list[str], timeout_s: float = 20
    ) -> subprocess.CompletedProcess[str]:
        """Runs a program of this host in a machine's network only (`ip netns exec`)."""
        return subprocess.run(
            ["ip", "netns", "exec", self.netns(machine), *argv],
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )

    def pings(self, source: str, address: str) -> bool:
        """Whether one ping from a machine is answered within a second."""
        return self.outside(source, ["ping", "-n", "-c", "1", "-W", "1", address]).returncode == 0

    def control(self, method: str, **params: object) -> Any:
        """Asks the daemon as the Windows host does (docs/protocols.md section 3)."""
        return control.call(self.inventory.parent / "control.sock", method, params, timeout_s=60)


@contextmanager
def labs() -> Iterator[Callable[..., RunningLab]]:
    """Gives a function that raises a lab of a name (and topology); all go at the end, come what may."""
    if os.geteuid() != 0:
        pytest.skip("needs root and network namespaces")
    names: list[str] = []

    def up(name: str, topology: str = "seed", timeout_s: float = UP_TIMEOUT_S) -> RunningLab:
        names.append(name)
        done = wslnet("lab", "up", "--name", name, "--topology", topology, "--json", timeout_s=timeout_s)
        assert done.returncode == 0, done.stdout + done.stderr
        return RunningLab(name, Path(json.loads(done.stdout)["inventory"]))

    try:
        yield up
    finally:
        ended = [wslnet("lab", "down", "--name", name) for name in names]
    assert [done.stderr for done in ended if done.returncode != 0] == []


@pytest.fixture
def raise_lab() -> Iterator[Callable[[str], RunningLab]]:
    """Raises labs for one test; the argument is the end of the name."""
    with labs() as up:
        yield lambda suffix: up(f"t{os.getpid()}-{suffix}")


@pytest.fixture
def raise_lab_of() -> Iterator[Callable[[str], RunningLab]]:
    """Raises a lab of the topology that is named, one for a test."""
    with labs() as up:
        yield lambda topology: up(f"t{os.getpid()}-of", topology)


@pytest.fixture(scope="session")
def shared_lab() -> Iterator[RunningLab]:
    """One seed lab for tests that leave it as they found it."""
    with labs() as up:
        yield up(f"t{os.getpid()}")


@pytest.fixture
def seed_lab(raise_lab: Callable[[str], RunningLab]) -> RunningLab:
    """A fresh seed lab for one test that changes it."""
    return raise_lab("seed")


@pytest.fixture(scope="module")
def story_lab(request: pytest.FixtureRequest) -> Iterator[RunningLab]:
    """One fresh lab of the module's TOPOLOGY (else seed), whose tests tell one story in their order.

    In the end all that was written to its Windows is judged by issue 8's rule for writes.
    """
    module = request.module.__name__.rpartition(".")[2].removeprefix("test_").replace("_", "-")
    with labs() as up:
        name = f"t{os.getpid()}-{module}"[:24].rstrip("-")
        lab = up(name, getattr(request.module, "TOPOLOGY", "seed"))
        yield lab
        judge_story(lab)


@pytest.fixture
def machine() -> Iterator[Netns]:
    """A namespace with a neighbour behind eth0, for ops of the agent."""
    here, there = Netns(), Netns()
    try:
        wire_up(here, "eth0", "192.168.122.1/24", there, "eth0", "192.168.122.191/24")
        here.exec("ip", "address", "add", "fd00::1/64", "dev", "eth0", "nodad")
        yield here
    finally:
        here.remove()
        there.remove()


@pytest.fixture
def agent(machine: Netns) -> Iterator[AgentClient]:
    """An agent in `machine`, over a plain pipe."""
    with agent_in(machine) as client:
        yield client
