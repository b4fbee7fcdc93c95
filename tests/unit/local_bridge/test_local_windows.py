"""The local bridge against the lab's own `powershell.exe -s` of a Windows on paper, and against WinRM."""

from __future__ import annotations

import json
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from wslnet.errors import DeadlineExceeded, InputError, Unreachable, Unsupported
from wslnet.model.change import Op
from wslnet.model.machine import Kind, Machine
from wslnet.transport import local_native
from wslnet.transport.local_bridge import LocalBridge
from wslnet.transport.local_native import LocalNative
from wslnet.transport.local_session import Patience
from wslnet.transport.local_values import duration_text
from wslnet.transport.windows_session import WindowsSession
from wslnet.transport.windows_ways import session_of
from wslnet_win_agent.calls import files, firewall, network
from wslnet_win_agent.crossing import crossed
from wslnet_win_agent.errors import CallRefused, DeliveryUnknown, WindowsAgentError

if TYPE_CHECKING:
    from collections.abc import Iterator

PAPER = Path(__file__).with_name("paper_windows.py")
DEADLINE = 30.0
FACTS = ["os", "adapters", "interfaces", "addresses", "routes", "profiles", "hyperv_firewall", "listeners"]
FACTS += ["portproxy", "registry", "wslconfig"]
READS = [network.adapters(), network.interfaces(), network.routes(), network.profiles(), files.user_profile()]


@pytest.fixture
def bridge(tmp_path: Path) -> Iterator[LocalBridge]:
    one = LocalBridge("windows", (sys.executable, str(PAPER), str(tmp_path)))
    yield one
    one.close()


def set_faults(folder: Path, *names: str) -> None:
    (folder / "faults.json").write_text(json.dumps({"faults": dict.fromkeys(names, True)}))


def logged(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "log/calls.jsonl").read_text().splitlines()]


def test_reads_share_a_pipeline_and_come_side_by_side(bridge: LocalBridge) -> None:
    together = bridge.run(READS, deadline_s=DEADLINE)
    each = bridge.run_each(READS, deadline_s=DEADLINE)
    assert together.ok
    assert together.outputs == tuple(row for reply in each for row in reply.outputs)
    assert len(together.rows("MSFT_NetAdapter")) > 1
    assert type(together.rows("MSFT_NetAdapter")[0].raw["InterfaceIndex"]) is int


def test_a_write_acts_once_and_reads_back(bridge: LocalBridge, tmp_path: Path) -> None:
    (profile,) = bridge.run([files.user_profile()], deadline_s=DEADLINE).outputs
    path = f"{profile.get('Value')}\\x.tmp"
    content = bytes(range(256)) * 40  # several fragments: each waits for its acknowledgement
    assert bridge.run([files.write_bytes(path, content)], deadline_s=DEADLINE).ok
    reply = bridge.run([files.file_bytes(path)], deadline_s=DEADLINE)
    assert reply.outputs[0].value in (content, list(content))
    assert bridge.run([files.remove(path)], deadline_s=DEADLINE).ok
    missing = bridge.run([files.file_bytes(path)], deadline_s=DEADLINE)
    assert missing.errors[0].id == "PathNotFound"
    entries = [entry for entry in logged(tmp_path) if entry["commands"][0]["name"] == "Set-Content"]
    assert [entry["configuration"] for entry in entries] == ["local"]


def test_remoting_error_records_keep_id_category_and_target(bridge: LocalBridge) -> None:
    (error,) = bridge.run([firewall.rule("no such rule")], deadline_s=DEADLINE).errors
    assert (error.id, error.category) == ("CmdletizationQuery_NotFound_InstanceID", "ObjectNotFound")
    assert error.is_not_found
    assert error.target == "no such rule"
    assert "no such rule" in error.message


@pytest.mark.parametrize(
    "fault", ["psrp-split-fragments", "psrp-enum-objects", "psrp-raw-numbers", "culture-zh-cn"]
)
def test_facts_are_those_of_the_other_bridge(fault: str, tmp_path: Path, remote_session: Any) -> None:
    set_faults(tmp_path, fault)
    here = WindowsSession(
        "windows", LocalBridge("windows", (sys.executable, str(PAPER), str(tmp_path))), LocalNative("windows")
    )
    ops = [Op("facts", {"needs": FACTS})]
    try:
        (near,) = here.execute(ops, deadline_s=DEADLINE)
    finally:
        here.close()
    (far,) = remote_session(tmp_path).execute(ops, deadline_s=DEADLINE)
    assert near.ok
    assert near.value == far.value


def test_a_slow_command_is_stopped_and_its_neighbours_count(tmp_path: Path, bridge: LocalBridge) -> None:
    set_faults(tmp_path, "psrp-slow-first-call")
    begun = time.monotonic()
    with pytest.raises(DeadlineExceeded):
        bridge.run([network.adapters()], deadline_s=2.0)
    assert time.monotonic() - begun < 10
    assert bridge.run([network.adapters()], deadline_s=DEADLINE).ok


def test_a_child_that_was_killed_between_calls_is_replaced(bridge: LocalBridge) -> None:
    assert bridge.run([network.adapters()], deadline_s=DEADLINE).ok
    child = bridge._session._child._child
    child.kill()
    child.wait(10)
    assert bridge.run([network.adapters()], deadline_s=DEADLINE).ok
    assert bridge._session._child._child.pid != child.pid


def test_what_does_not_start_is_said() -> None:
    with pytest.raises(Unreachable, match=r"windows: /no/such/powershell\.exe does not start: No such file"):
        LocalBridge("windows", ("/no/such/powershell.exe",)).run([network.adapters()], deadline_s=5)
    with pytest.raises(Unreachable, match=r"ended \(exit code 2\): .*can't open file"):
        LocalBridge("windows", (sys.executable, "/no/such/file")).run([network.adapters()], deadline_s=20)
    mute = (sys.executable, "-c", "import time; time.sleep(60)")
    begun = time.monotonic()
    with pytest.raises(DeadlineExceeded):
        LocalBridge("windows", mute, Patience(open_s=0.3)).run([network.adapters()], deadline_s=20)
    assert time.monotonic() - begun < 10


def test_values_that_cannot_cross_are_refused_before_anything_starts() -> None:
    bridge = LocalBridge("windows", ("/no/such/program",))
    for value in ("\ufffe", "\uffff", ("a",), {"a"}, bytearray(b"x"), None, 1.5):
        with pytest.raises(CallRefused):
            bridge.run([files.write_bytes("C:\\x", value)], deadline_s=5)  # type: ignore[arg-type]
    assert crossed(timedelta(seconds=90)) == "0.00:01:30.0000000"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (timedelta(minutes=30), "PT30M"),
        (timedelta(seconds=10), "PT10S"),
        (timedelta(seconds=90.5), "PT1M30.5S"),
        (timedelta(0), "PT0S"),
        (-timedelta(days=1, hours=2), "-P1DT2H"),
        (
            timedelta(days=10675199, hours=2, minutes=48, seconds=5, microseconds=477580),
            "P10675199DT2H48M5.47758S",
        ),
    ],
)
def test_time_spans_are_given_as_windows_writes_them(value: timedelta, text: str) -> None:
    assert duration_text(value) == text


def test_an_entry_without_address_needs_a_windows(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unsupported, match=r"machines\.windows has no address, so it is this machine") as told:
        session_of(Machine("windows", Kind.WINDOWS))
    assert told.value.exit_code == 15
    with pytest.raises(InputError, match="a configuration needs an address"):
        session_of(Machine("windows", Kind.WINDOWS, configuration="PowerShell.7"))


# ---- native programs -------------------------------------------------------------------------------------


@pytest.fixture
def native(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalNative]:
    monkeypatch.setattr(local_native, "find_program", lambda path: path if "no" not in path else None)
    one = LocalNative("windows")
    yield one
    one.close()


def python(text: str) -> tuple[str, ...]:
    return (sys.executable, "-c", text)


def test_a_program_gives_output_input_and_exit_code(native: LocalNative) -> None:
    echo = "import os, sys; d = sys.stdin.buffer.read(); os.write(1, d * 2); os.write(2, b'e'); sys.exit(7)"
    done = native.run(python(echo), timeout_s=20, stdin=b"\0\xff")
    assert (done.exit_code, done.stdout, done.stderr) == (7, b"\0\xff\0\xff", b"e")
    told = native.run(python("import os; print(os.environ['WSL_UTF8'])"), timeout_s=20)
    assert told.stdout.strip() == b"1"
    assert native.run(("C:\\no\\wsl.exe", "--version"), timeout_s=5).exit_code == 1


def test_a_program_that_does_not_end_is_ended(native: LocalNative) -> None:
    sleep = python("import time; time.sleep(60)")
    begun = time.monotonic()
    with pytest.raises(WindowsAgentError) as late:
        native.run(sleep, timeout_s=0.3)
    assert late.value.code == "timed-out"
    with pytest.raises(DeliveryUnknown):
        native.run(sleep, timeout_s=0.3, changes=True)
    native.hold(sleep)
    held = native._held[0]
    native.close()
    assert not held.alive
    assert time.monotonic() - begun < 10
