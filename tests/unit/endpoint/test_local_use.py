"""The endpoint on its own machine: what is kept of a probe, what it is worth, and who is let in by it."""

from __future__ import annotations

import json
import socket
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from wslnet.errors import InputError, NeedsElevation, Unsupported
from wslnet.model.machine import Kind, Machine
from wslnet.transport import own_endpoint, windows_ways
from wslnet.transport.local_bridge import LocalBridge
from wslnet.transport.local_native import LocalNative
from wslnet.transport.own_endpoint import OwnPrograms, demand_passed, is_own, probe_own
from wslnet.transport.windows_session import WindowsSession
from wslnet_win_agent.bounded import BoundedRunner
from wslnet_win_agent.bridge import Reply, WindowsObject
from wslnet_win_agent.endpoint.local_use import BLOCKED, PASSED, judged, written
from wslnet_win_agent.endpoint.places import MODULE_FOLDER, VERDICT
from wslnet_win_agent.errors import WindowsAgentError
from wslnet_win_agent.host import Host
from wslnet_win_agent.ops import execute

from .owners_folder import FolderBridge, Programs

if TYPE_CHECKING:
    from collections.abc import Iterator

PAPER = Path(__file__).parents[1] / "local_bridge" / "paper_windows.py"
OWNER = "DESKTOP\\anna"
FILES = (("wslnet.pssc", b"@{ }"), ("WslnetEndpoint.psm1", b"function x { }"))
KEPT = written(FILES, OWNER)
HERE = Machine("windows", Kind.WINDOWS, configuration="wslnet")


# ---- what is kept


def test_a_probe_is_worth_something_for_the_files_that_it_met_alone() -> None:
    assert judged(KEPT, FILES) == (PASSED, f"a session of {OWNER} over loopback passed")
    assert judged(KEPT, tuple(reversed(FILES)))[0] == PASSED
    for changed in ((), FILES[:1], ((FILES[0][0], b"@{}"), FILES[1]), (("x.pssc", FILES[0][1]), FILES[1])):
        assert judged(KEPT, changed)[0] == BLOCKED, changed


@pytest.mark.parametrize(
    "content",
    [
        None,
        b"",
        b"\xff\xfe\x00",
        b"passed",
        b"[]",
        b"[" * 4000,
        b'"passed"',
        KEPT[:-4],
        KEPT + b" " * 5000 + b"x",
        KEPT.replace(b"passed", b"blocked"),
        b'{"verdict": "passed"}',
    ],
)
def test_whatever_else_lies_there_is_blocked(content: bytes | None) -> None:
    verdict, why = judged(content, FILES)
    assert verdict == BLOCKED
    assert why
    assert "\n" not in why


# ---- which entries it is about


@pytest.mark.parametrize(
    ("address", "proxy", "own"),
    [
        (None, None, True),
        ("127.0.0.1", None, True),
        ("127.8.8.8", None, True),
        ("::1", None, True),
        ("localhost", None, True),
        (socket.gethostname().upper(), None, True),
        ("192.0.2.7", None, False),  # nobody's here (RFC 5737)
        ("elsewhere.example", None, False),
        ("127.0.0.1", "socks5h://127.0.0.1:1080", False),  # the proxy's loopback: there Windows decides
    ],
)
def test_an_own_address_is_this_machine(
    monkeypatch: pytest.MonkeyPatch, address: str | None, proxy: str | None, *, own: bool
) -> None:
    monkeypatch.setattr(own_endpoint, "find_powershell", lambda: "powershell.exe")
    entry = Machine("windows", Kind.WINDOWS, address=address, proxy=proxy, configuration="WSLNET")
    assert is_own(entry) is own
    assert not is_own(Machine("windows", Kind.WINDOWS, address=address, proxy=proxy))
    monkeypatch.setattr(own_endpoint, "find_powershell", lambda: None)
    assert is_own(entry) is (address is None)  # no Windows here: what looks own is a tunnel


# ---- the gate


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A Windows on paper with the endpoint's files and a verdict for them."""
    drive = _place(tmp_path, MODULE_FOLDER)
    drive.mkdir(parents=True)
    for name, content in FILES:
        (drive / name).write_bytes(content)
    _place(tmp_path, VERDICT).write_bytes(KEPT)
    return tmp_path


def _place(folder: Path, path: str) -> Path:
    return folder.joinpath("windows", "C", *path.split("\\")[1:])


def _let_in(folder: Path) -> bool:
    argv = (sys.executable, str(PAPER), str(folder))
    plain = WindowsSession("windows", LocalBridge("windows", argv), LocalNative("windows"))
    try:
        demand_passed(HERE, plain)
    except Unsupported as error:
        refused = error
    else:
        return True
    assert refused.exit_code == 15
    assert "not used on its own machine" in refused.message
    assert "\n" not in refused.message
    return False


def test_only_a_verdict_that_holds_lets_in(folder: Path) -> None:
    assert _let_in(folder)
    kept, module = _place(folder, VERDICT), _place(folder, MODULE_FOLDER) / FILES[1][0]
    kept.write_bytes(b"{")
    assert not _let_in(folder)
    kept.unlink()
    assert not _let_in(folder)
    kept.write_bytes(KEPT)
    module.write_bytes(FILES[1][1] + b"\n")  # files that are newer than the verdict
    assert not _let_in(folder)
    module.write_bytes(FILES[1][1])
    assert _let_in(folder)


def test_a_verdict_that_others_could_have_written_lets_nobody_in(folder: Path) -> None:
    everybody = {"owner": "BA", "dacl": "D:(A;;FA;;;SY)(A;;FA;;;BA)(A;;FA;;;BU)"}
    (folder / "windows" / "acl.json").write_text(json.dumps({VERDICT.lower(): everybody}))
    assert not _let_in(folder)


def test_who_is_let_in_signs_in_as_the_entry_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(windows_ways, "here", lambda machine: (machine.address, machine.configuration))
    asked: list[object] = []
    monkeypatch.setattr(windows_ways, "demand_passed", lambda _machine, plain: asked.append(plain))
    session = windows_ways.session_of(HERE)
    session.close()
    # As somebody else, wsl.exe is not this process's own.
    with pytest.raises(InputError, match="no secret"):
        windows_ways.session_of(replace(HERE, user="anna"))

    assert asked == [(None, None)] * 2
    assert isinstance(session, WindowsSession)
    assert isinstance(session._host.native, BoundedRunner)
    assert isinstance(session._host.native.runner, OwnPrograms)


def test_only_wsl_itself_runs_beside_the_endpoint() -> None:
    netsh = ("C:\\Windows\\System32\\netsh.exe", "interface")
    with pytest.raises(WindowsAgentError, match="administrators only"):
        OwnPrograms("windows").run(netsh, timeout_s=5)
    with pytest.raises(WindowsAgentError, match="administrators only"):
        OwnPrograms("windows").hold(netsh)


# ---- the probe


class LoggedOn(FolderBridge):
    """The owner's folder, and the two keys by which it is found for somebody else."""

    profile = "C:\\Users\\anna"

    def _one(self, cmdlet: str, own: dict[str, Any]) -> Reply:
        if cmdlet == "Get-ChildItem":
            names = ("S-1-5-18", "S-1-5-21-1-2-3-1001", "S-1-5-21-1-2-3-1002")
            return Reply(tuple(WindowsObject(value=None, raw={"PSChildName": name}) for name in names))
        if cmdlet == "Get-ItemProperty":
            assert not any("S-1-5-18" in path for path in own["LiteralPath"])
            raw = {"USERDOMAIN": "Desktop", "USERNAME": "Anna", "USERPROFILE": self.profile}
            return Reply((WindowsObject(value=None, raw=raw),))
        if cmdlet != "Start-ScheduledTask":
            assert own["LiteralPath"][0].startswith(f"{self.profile}\\AppData\\Local\\wslnet\\call-")
        return super()._one(cmdlet, own)


@pytest.fixture
def bridge(tmp_path: Path) -> Iterator[LoggedOn]:
    one = LoggedOn(tmp_path / "wslnet", Programs())
    yield one
    one.close()


def _probe(bridge: LoggedOn, owner: str = OWNER, *, deadline_s: float = 30.0) -> dict[str, Any]:
    host = Host(bridge, bridge.programs, until=time.monotonic() + deadline_s)
    (answer,) = execute(host, [{"verb": "endpoint.probe", "args": {"owner": owner}}])
    assert answer["ok"], answer
    assert not host.touched  # a request is no change
    value: dict[str, Any] = answer["value"]  # type: ignore[assignment]  # JSON
    return value


def test_the_owners_task_opens_the_session(bridge: LoggedOn) -> None:
    assert _probe(bridge) == {"passed": True, "why": ""}
    bridge.in_the_way = NeedsElevation("windows: may not open a remote shell on 127.0.0.1:5985")
    assert _probe(bridge) == {"passed": False, "why": bridge.in_the_way.message}
    assert bridge.programs.asked == []
    assert all(0 < seconds <= 20 for seconds in bridge.probed)


def test_an_owner_who_is_not_logged_on_cannot_probe(bridge: LoggedOn) -> None:
    said = _probe(bridge, "DESKTOP\\berta")
    assert (said["passed"], bridge.starts) == (False, 0)
    assert "not logged on" in said["why"]


def test_without_the_task_nothing_has_passed(bridge: LoggedOn) -> None:
    bridge.task = False
    assert _probe(bridge)["passed"] is False


def test_a_probe_that_hangs_ends_at_the_deadline(bridge: LoggedOn, monkeypatch: pytest.MonkeyPatch) -> None:
    let_go = threading.Event()
    monkeypatch.setattr(bridge, "probe", lambda _seconds: let_go.wait(60) and None)
    began = time.monotonic()
    said = _probe(bridge, deadline_s=2.0)
    took = time.monotonic() - began
    let_go.set()
    assert said == {"passed": False, "why": f"the task of {OWNER} did not answer in time"}
    assert took < 20
    bridge.close()
    assert not list(bridge.folder.glob("call-*[0-9a-f].json"))


def test_a_loopback_that_never_answers_ends_at_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        monkeypatch.setattr("wslnet.transport.winrm_endpoint.HTTP_PORT", port)
        began = time.monotonic()
        with pytest.raises(Exception, match="does not answer in time") as caught:
            probe_own(1.0)
        assert type(caught.value).__name__ == "DeadlineExceeded"
        assert time.monotonic() - began < 30
