"""The local bridge end to end with a real engine: what the recordings say of it, asked again.

Only the engine's own commands are there on every system; that Windows' are missing is one of the answers.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from typing import TYPE_CHECKING

import pytest

from wslnet.errors import Unreachable
from wslnet.transport.local_bridge import LocalBridge
from wslnet_win_agent.calls import files, firewall
from wslnet_win_agent.errors import DeliveryUnknown

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.pwsh.conftest import PowerShell

pytestmark = [pytest.mark.pwsh, pytest.mark.timeout(300)]

DEADLINE_S = 60.0


@pytest.fixture
def bridge(pwsh: PowerShell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalBridge]:
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    one = LocalBridge("here", (pwsh.program,))
    yield one
    one.close()


def test_reads_answer_in_order_and_side_by_side(bridge: LocalBridge, tmp_path: Path) -> None:
    (profile,) = bridge.run([files.user_profile()], deadline_s=DEADLINE_S).outputs
    assert profile.get("Value") == str(tmp_path)
    two = bridge.run([files.user_profile(), files.children(str(tmp_path))], deadline_s=DEADLINE_S)
    assert (two.ok, len(two.outputs)) == (True, 1)
    for reply in bridge.run_each([files.user_profile()] * 5, deadline_s=DEADLINE_S):
        assert [row.get("Value") for row in reply.outputs] == [str(tmp_path)]


def test_writes_act_once_and_a_refused_one_says_why(bridge: LocalBridge, tmp_path: Path) -> None:
    first, second = tmp_path / "first.txt", tmp_path / "second.txt"
    text = "näive 😀 _x0041_\tend"
    assert bridge.run([files.new_file(str(first), text)], deadline_s=DEADLINE_S).ok
    assert first.read_text("utf-8") == text
    again = bridge.run([files.new_file(str(first), "other")], deadline_s=DEADLINE_S)
    assert (again.state, first.read_text("utf-8")) == ("Failed", text)
    assert again.errors[0].fqid == "NewItemIOError,Microsoft.PowerShell.Commands.NewItemCommand"
    assert bridge.run([files.copy_over(str(first), str(second))], deadline_s=DEADLINE_S).ok
    assert bridge.run([files.remove(str(first))], deadline_s=DEADLINE_S).ok
    assert (first.exists(), second.read_text("utf-8")) == (False, text)
    assert bridge.run([files.move(str(second), str(first))], deadline_s=DEADLINE_S).ok
    gone = bridge.run([files.remove(str(second))], deadline_s=DEADLINE_S)
    assert gone.state == "Failed"
    assert gone.errors[0].fqid == "PathNotFound,Microsoft.PowerShell.Commands.RemoveItemCommand"
    assert first.exists()


def test_a_long_value_crosses_whole(bridge: LocalBridge, tmp_path: Path) -> None:
    """Many fragments, each of which waits for its acknowledgement (psrp-facts 1.1)."""
    text = "0123456789abcdef" * 20_000
    assert bridge.run([files.new_file(str(tmp_path / "long"), text)], deadline_s=DEADLINE_S).ok
    assert (tmp_path / "long").read_text("utf-8") == text


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has the command")
def test_a_command_that_is_not_there_is_said(bridge: LocalBridge) -> None:
    missing = bridge.run([firewall.creators()], deadline_s=DEADLINE_S)
    assert (missing.state, missing.errors[0].fqid) == ("Failed", "CommandNotFoundException")
    assert bridge.run([files.user_profile()], deadline_s=DEADLINE_S).ok


@pytest.mark.skipif(sys.platform == "win32", reason="signals stop a child in the middle of things")
def test_a_child_that_dies_is_one_clear_error_and_is_replaced(bridge: LocalBridge, tmp_path: Path) -> None:
    assert bridge.run([files.user_profile()], deadline_s=DEADLINE_S).ok
    session = bridge._session
    assert session is not None
    os.kill(session._child._child.pid, signal.SIGSTOP)
    begun = time.monotonic()
    write = files.new_file(str(tmp_path / "doubtful"), "x")
    with pytest.raises((DeliveryUnknown, Unreachable)):
        bridge.run([write], deadline_s=2.0)
    assert time.monotonic() - begun < DEADLINE_S
    assert bridge.run([files.user_profile()], deadline_s=DEADLINE_S).ok
