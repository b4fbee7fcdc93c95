"""Every trap of the WinRM server, one at a time: doctor, setup and undo end in time with the right end state.

One lab in mirrored mode, so that no run restarts WSL. What Windows was told is read from the lab's log: a
write that may have run is never sent a second time.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from .asking import WSLNET, lab_calls

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

pytestmark = pytest.mark.lab

ALLOW = ("setup", "--mirrored", "--allow", "tcp/8080@lan", "--yes")
RULE = "hyperv-rule wslnet-allow-tcp-8080"
CREATE, REMOVE = "New-NetFirewallHyperVRule", "Remove-NetFirewallHyperVRule"
IN_TIME_S = 60.0
HARMLESS = (
    "winrm-timeout-loop",
    "winrm-idle-close",
    "psrp-split-fragments",
    "psrp-slow-first-call",
    "psrp-enum-objects",
    "psrp-raw-numbers",
    "psrp-no-language",
    "culture-zh-cn",
    "culture-de-de",
)
FORBIDDING = {
    "winrm-401": "401",
    "winrm-401-later": "401",
    "winrm-shell-quota": "quota",
    "winrm-operation-quota": "quota",
}

LOCK = "wslnet.lock"


def call(lab: Any, *arguments: str) -> tuple[int, dict[str, Any], str]:
    """Exit code, the one JSON document and what was said on stderr."""
    began = time.monotonic()
    done = subprocess.run(
        [WSLNET, "--inventory", str(lab.inventory), *arguments, "--json"],
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert "Traceback" not in done.stdout + done.stderr, done.stderr
    assert time.monotonic() - began < IN_TIME_S, arguments
    return done.returncode, json.loads(done.stdout), done.stderr


def inject(lab: Any, faults: Mapping[str, object]) -> None:
    """Exactly these traps are on, with settings of their own; each counts its commands from now on."""
    file = lab.inventory.parent / "faults.json"
    for faults_now in ({}, faults):
        fresh = file.with_suffix(".test")
        fresh.write_text(json.dumps({"faults": faults_now}), encoding="utf-8")
        fresh.replace(file)
        if not faults_now:
            _let_the_server_look(lab)


def _let_the_server_look(lab: Any) -> None:
    """A trap is disarmed by the first request that finds it gone."""
    lab.outside("windows", [sys.executable, "-c", LOOK])


LOOK = (
    "import urllib.request as r\n"
    "q = r.Request('http://127.0.0.1:5985/wsman', b'', method='POST')\n"
    "try:\n"
    "    r.build_opener(r.ProxyHandler({})).open(q, timeout=5)\n"
    "except OSError:\n"
    "    pass\n"
)


def writes(entries: list[dict[str, Any]]) -> list[str]:
    """Names of the cmdlets that changed something, the lock of the run left out."""
    commands = [command for entry in entries for command in entry.get("commands") or ()]
    names = [command["name"] for command in commands if LOCK not in json.dumps(command["parameters"])]
    return [name for name in names if name.partition("-")[0] not in {"Get", "Test"}]


def rule_is_there(lab: Any) -> bool:
    """As Windows keeps it, without asking Windows."""
    rules = (lab.inventory.parent / "windows" / "firewall.json").read_text(encoding="utf-8")
    return "wslnet-allow-tcp-8080" in rules


@pytest.fixture(scope="module")
def mirrored(story_lab: Any) -> Any:
    code, said, _ = call(story_lab, "setup", "--mirrored", "--yes")
    assert (code, said["result"]) == (0, "committed"), said
    return story_lab


@pytest.fixture(scope="module")
def write_at(mirrored: Any) -> int:
    """How many commands setup sends up to its write, the write included; taken back again."""
    before = len(lab_calls(mirrored))
    assert call(mirrored, *ALLOW)[0] == 0
    sent = [entry for entry in lab_calls(mirrored)[before:] if entry["kind"] in {"psrp", "winrs"}]
    assert call(mirrored, "undo", "--yes")[0] == 0
    return next(number for number, entry in enumerate(sent, 1) if CREATE in writes([entry]))


@pytest.fixture
def trapped(mirrored: Any) -> Iterator[Any]:
    assert not rule_is_there(mirrored)
    yield mirrored
    inject(mirrored, {})
    if rule_is_there(mirrored):
        assert call(mirrored, "undo", "--yes")[0] == 0
    assert not rule_is_there(mirrored)


@pytest.mark.parametrize("trap", HARMLESS)
def test_what_a_client_must_bear_changes_nothing(trapped: Any, trap: str) -> None:
    before = len(lab_calls(trapped))
    inject(trapped, {trap: True})
    code, said, _ = call(trapped, "doctor")
    assert (code, said["summary"]["fail"], said["summary"]["crash"]) == (0, 0, 0)
    code, said, _ = call(trapped, *ALLOW)
    assert (code, said["result"], rule_is_there(trapped)) == (0, "committed", True)
    assert [one["resource"] for one in said["changes"]] == [RULE]
    code, said, _ = call(trapped, "undo", "--yes")
    assert (code, {one["outcome"] for one in said["changes"]}) == (0, {"undone"})
    assert not rule_is_there(trapped)
    assert writes(lab_calls(trapped)[before:]) == [CREATE, REMOVE]


@pytest.mark.parametrize("trap", FORBIDDING)
def test_a_server_that_lets_nobody_in_is_named_and_nothing_begins(mirrored: Any, trap: str) -> None:
    try:
        assert call(mirrored, *ALLOW)[0] == 0
        before = len(lab_calls(mirrored))
        inject(mirrored, {trap: True})
        code, said, _ = call(mirrored, "doctor")
        assert (code, said["summary"]["crash"]) == (11, 0)
        unseen = {
            one["machine"]: one["evidence"]
            for one in said["findings"]
            if one["code"] == "machine.reachable" and one["status"] == "fail"
        }
        assert FORBIDDING[trap] in unseen["windows"][0]
        for command in (ALLOW, ("undo", "--yes")):
            inject(mirrored, {trap: True})
            code, said, stderr = call(mirrored, *command)
            assert (code, said["error"]["machine"]) == (20, "windows")
            assert FORBIDDING[trap] in said["error"]["message"]
            assert "\n" not in stderr.strip()
        assert rule_is_there(mirrored)
        assert writes(lab_calls(mirrored)[before:]) == []
    finally:
        inject(mirrored, {})
        # The run is as it was: it can still be taken back.
        assert call(mirrored, "undo", "--yes")[1]["result"] == "committed"
        assert not rule_is_there(mirrored)


@pytest.mark.parametrize("after", [-1, 0, 1])
@pytest.mark.parametrize(
    ("trap", "setting"),
    [
        ("winrm-drop-receive", "drop_receive_after"),
        ("winrm-shell-gone", "shells_gone_after"),
        ("winrm-401-later", "unauthorized_after"),
    ],
)
def test_a_session_lost_around_the_write(
    trapped: Any, write_at: int, trap: str, setting: str, after: int
) -> None:
    """The command before the write, the write itself, the one after it: never is it sent twice."""
    before = len(lab_calls(trapped))
    inject(trapped, {trap: {setting: write_at + after}})
    code, said, _ = call(trapped, *ALLOW)
    sent = writes(lab_calls(trapped)[before:])
    assert sent.count(CREATE) <= 1
    if trap == "winrm-401-later" and after <= 1:
        # Nobody is let in again: what stands is told, with what is left to do.
        assert code in {12, 20, 21}, said
        if code == 21:
            assert any("wslnet-allow-tcp-8080" in line for line in said["left"])
        else:
            assert not rule_is_there(trapped)
        inject(trapped, {})
        code, said, _ = call(trapped, "resume")
        assert (code in {0, 12}, rule_is_there(trapped)) == (True, False), said
    else:
        assert code in {0, 12}, said
        assert rule_is_there(trapped) is (code == 0)
        if code == 12:
            assert (said["result"], said["left"]) == ("rolled-back", [])


def test_a_missing_cmdlet_is_what_this_windows_cannot_do(trapped: Any) -> None:
    inject(trapped, {"psrp-missing-cmdlet": True})
    code, said, _ = call(trapped, "doctor")
    failing = {one["code"] for one in said["findings"] if one["status"] == "fail"}
    assert (code, said["summary"]["crash"]) == (11, 0)
    assert "hyperv.firewall" in failing
    code, said, _ = call(trapped, *ALLOW)
    assert (code, said["error"]["code"]) == (15, "unsupported")
    assert "Hyper-V firewall" in said["error"]["message"]


@pytest.mark.parametrize(
    ("faults", "named"),
    [
        ({"psrp-missing-parameter": True}, "NamedParameterNotFound"),
        ({"psrp-error-terminating": True}, "Windows System Error 1450"),
        ({"psrp-error-terminating": {"failing": {CREATE: "continue"}}}, "Windows System Error 1450"),
        ({"psrp-error-terminating": True, "culture-zh-cn": True}, "Windows System Error 1450"),
    ],
    ids=["parameter", "terminating", "non-terminating", "in Chinese"],
)
def test_a_write_that_fails_is_tried_once_and_taken_back(
    trapped: Any, faults: dict[str, object], named: str
) -> None:
    before = len(lab_calls(trapped))
    inject(trapped, faults)
    code, said, _ = call(trapped, *ALLOW)
    assert (code, said["result"], said["left"]) == (12, "rolled-back", []), said
    assert named in said["reason"]
    assert "\n" not in said["reason"]
    assert not rule_is_there(trapped)
    assert writes(lab_calls(trapped)[before:]) == [CREATE]


def test_a_read_with_an_error_that_ends_nothing_is_not_taken_for_an_answer(trapped: Any) -> None:
    """Rules that could not be listed are not rules that are absent: no rule is judged, none is written."""
    before = len(lab_calls(trapped))
    inject(trapped, {"psrp-error-non-terminating": True})
    code, said, _ = call(trapped, "doctor")
    told = {one["code"]: one for one in said["findings"] if one["machine"] == "windows"}
    assert (said["summary"]["crash"], told["hyperv.firewall"]["status"]) == (0, "skip")
    code, said, _ = call(trapped, *ALLOW)
    assert code != 0
    assert "hyperv" in json.dumps(said).lower()
    assert writes(lab_calls(trapped)[before:]) == []


def test_wsl_is_held_while_a_run_lasts_and_not_longer(mirrored: Any) -> None:
    """A client of wsl.exe ends with the session that started it (wsl-facts 2.4)."""
    held = [entry for entry in lab_calls(mirrored) if entry["kind"] == "wsl" and "sleep" in entry["argv"]]
    assert held
    processes = mirrored.outside("wsl", ["ip", "netns", "pids", mirrored.netns("wsl")]).stdout.split()
    commands = [Path(f"/proc/{pid}/cmdline") for pid in processes]
    assert not any(b"sleep\x00600" in file.read_bytes() for file in commands if file.exists())
