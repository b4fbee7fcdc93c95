"""WSL and WSL of two PCs on one network, behind NAT and mirrored, by packets; and what is refused."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from .asking import WSLNET, run
from .canonical.snapshot import differences, take
from .conftest import RunningLab
from .servers import GREET, LISTEN

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.lab, pytest.mark.timeout(900)]

TOPOLOGY = "two-windows"
FIRST, SECOND = "172.24.21.109", "172.24.21.110"


@pytest.fixture(scope="module")
def other(story_lab: RunningLab) -> RunningLab:
    """The second PC, a lab of its own."""
    folder = story_lab.inventory.parent
    return RunningLab(f"{story_lab.name}-2", folder.with_name(f"{folder.name}-2") / "inventory.toml")


@contextmanager
def saying(lab: RunningLab, word: str) -> Iterator[None]:
    """A program in a PC's WSL that says a word to whoever connects."""
    # Through the machine itself, so that a mirrored WSL reserves the port on Windows.
    server = ["/usr/bin/python3", "-c", GREET, "0.0.0.0", "9090", word]
    command = [WSLNET, "lab", "exec", "--name", lab.name, "wsl", "--", *server]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as running:
        try:
            assert running.stdout is not None
            assert running.stdout.readline().strip() == "ready"
            yield
        finally:
            # nsenter forks on its way into the machine: only the process group has all of them.
            os.killpg(running.pid, signal.SIGKILL)


def asked(lab: RunningLab, address: str, port: int) -> str:
    return lab.run("wsl", ["/usr/bin/python3", "-c", LISTEN, address, str(port)]).stdout.strip()


def link(lab: RunningLab, other: RunningLab, *more: str) -> tuple[int, dict[str, Any]]:
    return run(lab, "forward", "link", "--with", str(other.inventory), *more)


def hear_each_other(first: RunningLab, second: RunningLab, port: int) -> None:
    with ExitStack() as stack:
        stack.enter_context(saying(first, "the first"))
        stack.enter_context(saying(second, "the second"))
        assert asked(first, SECOND, port) == "the second"
        assert asked(second, FIRST, port) == "the first"


@pytest.mark.row("S1-23")
def test_two_wsl_behind_nat_reach_each_other_and_undo_leaves_nothing(
    story_lab: RunningLab, other: RunningLab
) -> None:
    before = take(story_lab), take(other)
    assert link(story_lab, other, "--port", "2323:9090", "--dry-run")[0] == 10
    code, said = link(story_lab, other, "--port", "2323:9090", "--yes")
    assert (code, said["result"]) == (0, "committed"), said
    assert [(one["address"], one["measured"]) for one in said["verify"]] == [(SECOND, True), (FIRST, True)]
    hear_each_other(story_lab, other, 2323)
    code, said = link(story_lab, other, "--port", "2323:9090", "--yes")
    assert (code, said["result"]) == (0, "unchanged"), said
    for lab in (story_lab, other):
        assert run(lab, "undo", "--yes")[0] == 0
    assert [differences(old, take(lab)) for old, lab in zip(before, (story_lab, other), strict=True)] == [
        [],
        [],
    ]


@pytest.mark.row("S1-23")
def test_a_port_that_one_pc_has_not_changes_nothing_on_either(
    story_lab: RunningLab, other: RunningLab
) -> None:
    rule = ["listenport=2323", "connectaddress=172.24.21.50", "connectport=22"]
    netsh = ["netsh.exe", "interface", "portproxy"]
    assert other.run("windows", [*netsh, "add", "v4tov4", *rule]).returncode == 0
    before = take(story_lab)
    code, said = link(story_lab, other, "--port", "2323:9090", "--yes")
    assert (code, said["error"]["code"]) == (2, "port-taken"), said
    assert differences(before, take(story_lab)) == []
    assert other.run("windows", [*netsh, "delete", "v4tov4", "listenport=2323"]).returncode == 0
    code, said = link(story_lab, story_lab, "--port", "2323:9090", "--yes")
    assert (code, said["error"]["code"]) == (2, "bad-input"), said


@pytest.mark.full
@pytest.mark.row("S1-23")
def test_one_behind_nat_and_one_mirrored_then_both(story_lab: RunningLab, other: RunningLab) -> None:
    for changed in (other, story_lab):
        assert run(changed, "setup", "--mirrored", "--yes")[0] == 0
        code, said = link(story_lab, other, "--port", "9090", "--yes")
        assert code == 0, said
        assert {one["measured"] for one in said["verify"]} == {True}
        hear_each_other(story_lab, other, 9090)
