"""The whole Windows half against the lab's whole Windows, over WinRM on loopback; hardware on paper."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from tests.hyperv_rule import RULE

from wslnet.errors import AuthenticationFailed, InputError, OutcomeUnknown, Unreachable
from wslnet.model.change import Op, OpResult
from wslnet.model.machine import Kind, Machine
from wslnet.transport.windows_ways import remote
from wslnet_lab.host.__main__ import _build_server
from wslnet_lab.host.local_programs import LocalPrograms
from wslnet_lab.host.log import JsonLinesLog
from wslnet_lab.host.machine import build_windows
from wslnet_lab.host.paper_hardware import PaperHardware
from wslnet_lab.host.wire.settings import SettingsSource
from wslnet_win_agent.facts import NAMES
from wslnet_win_agent.send import is_write

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from wslnet.transport.windows_session import WindowsSession
    from wslnet_lab.host.machine import WindowsMachine
    from wslnet_lab.host.server import WinRmServer
    from wslnet_win_agent.bridge import Reply
    from wslnet_win_agent.send import Batch


@dataclass
class Lab:
    folder: Path
    machine: WindowsMachine
    server: WinRmServer
    session: WindowsSession

    def run(self, verb: str, **args: object) -> OpResult:
        (result,) = self.session.execute([Op(verb, args)], deadline_s=40)
        return result

    def value(self, verb: str, **args: object) -> Any:
        result = self.run(verb, **args)
        assert result.ok, result
        return result.value

    def fact(self, name: str) -> Any:
        return self.value("facts", needs=[name])[name]

    def set_faults(self, *names: str) -> None:
        (self.folder / "faults.json").write_text(json.dumps({"faults": dict.fromkeys(names, True)}))

    def machine_of(self, **changes: Any) -> Machine:
        user = self.machine.state.settings.owner
        known = {"address": "127.0.0.1", "port": self.server.port, "user": user, **changes}
        return Machine("windows", Kind.WINDOWS, **known)

    def calls(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.folder / "log/calls.jsonl").read_text().splitlines()]


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    (tmp_path / "password").write_text("correct horse\n")
    settings = SettingsSource(tmp_path)
    log = JsonLinesLog(tmp_path / "log/calls.jsonl")
    machine = build_windows(tmp_path, PaperHardware(), log)
    server = _build_server(tmp_path, LocalPrograms.of(machine, log, settings), 0)
    machine.boot()
    server.start()
    one = Lab(tmp_path, machine, server, None)  # type: ignore[arg-type]
    one.session = remote(one.machine_of(), "correct horse")
    yield one
    one.session.close()
    server.close()


def test_every_fact_is_read(lab: Lab) -> None:
    facts = lab.value("facts", needs=sorted(NAMES))
    assert set(facts) == NAMES
    assert facts["os"]["build"] == 22631
    ethernet = next(one for one in facts["adapters"] if one["index"] == 25)
    assert (ethernet["name"], ethernet["mac"], ethernet["status"]) == ("以太网", "1c:83:41:cf:a8:7c", "Up")
    assert {"index": 25, "alias": "以太网", "family": 4, "address": "172.24.21.109", "prefix": 24} in facts[
        "addresses"
    ]
    assert any(one["dst"] == "0.0.0.0/0" and one["via"] == "172.24.21.254" for one in facts["routes"])
    assert facts["wsl"]["running"] is False


def test_a_cold_reading_of_everything_is_few_pipelines(lab: Lab) -> None:
    # Left out is what has pipelines of its own and what few ask for: the tasks, the endpoint, the doctor's.
    rare = {"boot", "endpoint", "endpoint_access", "endpoint_local"}
    rare |= {"port_ranges", "session", "wsl_events"}
    lab.value("facts", needs=sorted(NAMES - rare))
    kinds = [entry["kind"] for entry in lab.calls()]
    # Two of them are the hives of users: which there are, then what stands in each (`wsl_nat`).
    assert kinds.count("psrp") <= 8
    assert kinds.count("winrs") <= 2


def test_a_frozen_host_is_waited_for_in_full_once(lab: Lab) -> None:
    lab.fact("os")
    silence = {"faults": {"winrm-silent": {"silent_after": 0, "silence_s": 30}}}
    (lab.folder / "faults.json").write_text(json.dumps(silence))
    with pytest.raises(Unreachable):
        lab.session.execute([Op("facts", {"needs": ["os"]})], deadline_s=3)
    sent = len(lab.calls())
    began = time.monotonic()
    with pytest.raises(Unreachable):
        lab.session.execute([Op("hyperv_rule.create", RULE)], deadline_s=120)
    assert time.monotonic() - began < 60
    (lab.folder / "faults.json").write_text("{}")
    names = [each["name"] for entry in lab.calls()[sent:] for each in entry["commands"]]
    assert not any(name.startswith("New-") for name in names), names
    assert lab.run("hyperv_rule.create", **RULE).ok  # it has found its tongue


def test_rule_and_setting_there_and_back(lab: Lab) -> None:
    lab.value("hyperv_rule.create", **RULE)
    assert lab.run("hyperv_rule.create", **RULE).code == "exists"
    (rule,) = [one for one in lab.fact("hyperv_firewall")["rules"] if one["name"] == RULE["name"]]
    assert {key: rule[key] for key in RULE} == RULE
    assert lab.value("hyperv_rule.remove", name=RULE["name"])["before"]["local_ports"] == ["8080"]
    assert lab.run("hyperv_rule.remove", name=RULE["name"]).code == "not-found"
    assert (
        lab.value("hyperv_setting.set", default_inbound_action="Allow")["after"]["default_inbound"] == "Allow"
    )
    lab.value("hyperv_setting.set", default_inbound_action="NotConfigured")
    assert lab.fact("hyperv_firewall")["setting"]["default_inbound"] == "Block"


def test_wslconfig_there_and_back(lab: Lab) -> None:
    path = lab.fact("wslconfig")["path"]
    content = "[wsl2]\r\n# 中文\r\nnetworkingMode=mirrored\r\n".encode("utf-16")
    write = {"path": path, "content": base64.b64encode(content).decode()}
    lab.value("wslconfig.write", **write, expect_sha256=None)
    found = lab.fact("wslconfig")
    assert base64.b64decode(found["content"]) == content
    assert lab.run("wslconfig.write", **write, expect_sha256=None).ok  # it is so already
    other = {"path": path, "content": base64.b64encode(b"[wsl2]\n").decode()}
    assert lab.run("wslconfig.write", **other, expect_sha256=None).code == "changed"
    digest = hashlib.sha256(content).hexdigest()
    lab.value("wslconfig.write", path=path, content=None, expect_sha256=digest)
    assert lab.fact("wslconfig")["exists"] is False


def test_a_locked_wslconfig_is_one_clear_code_and_stays(lab: Lab) -> None:
    path = lab.fact("wslconfig")["path"]
    content = base64.b64encode(b"[wsl2]\n").decode()
    lab.value("wslconfig.write", path=path, content=content, expect_sha256=None)
    lab.set_faults("wslconfig-locked")
    assert lab.fact("wslconfig")["error"] == "locked"
    digest = hashlib.sha256(b"[wsl2]\n").hexdigest()
    result = lab.run("wslconfig.write", path=path, content=None, expect_sha256=digest)
    assert result.code == "locked"
    assert path in result.message
    lab.set_faults()
    assert base64.b64decode(lab.fact("wslconfig")["content"]) == b"[wsl2]\n"


def test_forwarding_and_a_missing_interface(lab: Lab) -> None:
    lab.value("forwarding.set", interface_index=25, family=4, enabled=True)
    row = next(one for one in lab.fact("interfaces") if (one["index"], one["family"]) == (25, 4))
    assert row["forwarding"] is True
    assert lab.run("forwarding.set", interface_index=99, family=4, enabled=True).code == "not-found"


def test_wsl_starts_is_measured_and_stops(lab: Lab) -> None:
    (distro,) = lab.fact("wsl")["distros"]
    assert (distro["state"], lab.fact("wsl")["mode"]) == ("Stopped", None)
    assert lab.value("wsl.start", distro=distro["name"])["after"]["running"] == [distro["name"]]
    running = lab.fact("wsl")
    assert running["running"] is True
    assert lab.fact("hyperv_firewall")["creator_registered"] is True
    lab.value("wsl.shutdown")
    assert lab.fact("wsl")["running"] is False
    assert lab.run("wsl.start", distro="Nowhere").code == "not-found"


def test_every_write_was_alone_with_its_key_and_stop(lab: Lab) -> None:
    lab.value("hyperv_rule.create", **RULE)
    lab.value("hyperv_rule.remove", name=RULE["name"])
    lab.value("forwarding.set", interface_index=25, family=6, enabled=True)
    path = lab.fact("wslconfig")["path"]
    lab.value("wslconfig.write", path=path, content="", expect_sha256=None)
    writes = 0
    for entry in lab.calls():
        commands = entry.get("commands") or []
        assert not any(one["script"] for one in commands)
        for one in commands:
            if is_write(one["name"]):
                writes += 1
                assert len(commands) == 1
                assert one["parameters"]["ErrorAction"]["value"] == "Stop"
                assert one["parameters"]["Confirm"]["value"] is False
    assert writes == 5


def test_nothing_after_a_failed_change_is_run(lab: Lab) -> None:
    ops = [
        Op("forwarding.set", {"interface_index": 99, "family": 4, "enabled": True}),
        Op("hyperv_rule.create", RULE),
    ]
    first, second = lab.session.execute(ops, deadline_s=20)
    assert (first.code, second.code) == ("not-found", "not-run")


def test_401_before_and_during_a_session(lab: Lab) -> None:
    with pytest.raises(AuthenticationFailed, match="windows: WinRM on"):
        remote(lab.machine_of(), "wrong").execute([Op("facts", {"needs": ["os"]})], deadline_s=10)
    lab.fact("os")
    lab.set_faults("winrm-401")
    with pytest.raises(AuthenticationFailed):
        lab.fact("os")
    with pytest.raises(AuthenticationFailed):
        lab.run("hyperv_rule.create", **RULE)
    lab.set_faults()
    assert lab.fact("hyperv_firewall")["rules"] == []


def test_a_change_that_cannot_be_read_back_is_of_unknown_outcome(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    bridge = lab.session._host.bridge
    deliver = bridge.deliver

    def then_refused(batch: Batch, *, deadline_s: float) -> Reply:
        reply = deliver(batch, deadline_s=deadline_s)
        if batch.writes:
            lab.set_faults("winrm-401")
        return reply

    monkeypatch.setattr(bridge, "deliver", then_refused)
    with pytest.raises(OutcomeUnknown, match="may or may not"):
        lab.run("hyperv_rule.create", **RULE)
    lab.set_faults()
    assert [one["name"] for one in lab.fact("hyperv_firewall")["rules"]] == [RULE["name"]]


def test_culture_changes_no_outcome(lab: Lab) -> None:
    lab.set_faults("culture-zh-cn")
    assert lab.run("hyperv_rule.remove", name="wslnet-x").code == "not-found"
    assert lab.fact("wslconfig")["exists"] is False


def test_an_inventory_without_a_way_in_is_refused_by_name(lab: Lab) -> None:
    for machine, password, word in (
        (lab.machine_of(address=None), "x", "address"),
        (lab.machine_of(user=None), "x", "user"),
        (lab.machine_of(), None, "secret"),
    ):
        with pytest.raises(InputError, match=rf"machines\.windows: no {word}"):
            remote(machine, password)


def test_a_host_that_is_gone_is_unreachable_and_close_still_returns(lab: Lab) -> None:
    lab.fact("os")
    lab.server.close()
    with pytest.raises(Unreachable):
        lab.fact("os")
    lab.session.close()


def test_the_lock_names_its_holder_and_a_dead_one_is_taken_over(lab: Lab) -> None:
    mine = {
        "run": "run-1",
        "token": "a" * 32,
        "holder": "ann@desk, process 7",
        "since": "2026-01-01T00:00Z",
    }
    other = {
        "run": "run-2",
        "token": "b" * 32,
        "holder": "bob@shed, process 8",
        "since": "2026-01-01T00:01Z",
    }
    folder = lab.folder / "windows" / "C" / "ProgramData"
    before = sorted(folder.iterdir())
    lab.value("lock.hold", **mine, lease_s=30.0)
    refused = lab.run("lock.hold", **other, lease_s=30.0)
    assert refused.code == "exists"
    assert refused.message.startswith("locked by ann@desk, process 7, run run-1, since 2026-01-01T00:00Z")
    assert lab.value("lock.release", **other) == {"state": "held"}
    assert lab.value("lock.status")["run"] == "run-1"
    lab.value("lock.hold", **{**mine, "run": "run-3"}, lease_s=0.2)
    lock = folder / "wslnet.lock"
    os.utime(lock, (lock.stat().st_atime, lock.stat().st_mtime - 1))
    lab.value("lock.hold", **other, lease_s=30.0)
    assert lab.value("lock.status")["holder"] == "bob@shed, process 8"
    assert "bob@shed" in lab.run("lock.hold", **mine, lease_s=30.0).message
    assert lab.value("lock.release", **other) == {"state": "free"}
    assert sorted(folder.iterdir()) == before


def test_a_lock_file_that_says_nothing_is_held_all_the_same(lab: Lab) -> None:
    holder = {"run": "run-1", "token": "a" * 32, "holder": "ann", "since": "now"}
    lock = lab.folder / "windows" / "C" / "ProgramData" / "wslnet.lock"
    lock.write_bytes(b"\x1b[2J{")
    refused = lab.run("lock.hold", **holder, lease_s=30.0)
    assert (refused.code, "somebody who has not said who it is" in refused.message) == ("exists", True)
    assert lab.run("lock.hold", **{**holder, "token": "..\\x"}).code == "bad-op"
    assert lock.read_bytes() == b"\x1b[2J{"
