"""Ops against a Windows in memory: read, one write, read back; and what they do when something goes wrong."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Any

import pytest
from tests.hyperv_rule import RULE

from wslnet_win_agent.ops import execute

if TYPE_CHECKING:
    from wslnet_win_agent.host import Host

    from .conftest import FakeWindows, FakeWslExe

WSLCONFIG = "C:\\Users\\17895\\.wslconfig"
OLD = b"[wsl2]\r\nnetworkingMode=nat\r\n"
NEW = b"[wsl2]\r\nnetworkingMode=mirrored\r\n"


def run(host: Host, verb: str, **args: object) -> Any:
    (result,) = execute(host, [{"verb": verb, "args": args}])
    return result


def value(host: Host, verb: str, **args: object) -> Any:
    result = run(host, verb, **args)
    assert result["ok"], result
    return result["value"]


def code(host: Host, verb: str, **args: object) -> str:
    result = run(host, verb, **args)
    assert not result["ok"]
    assert "\n" not in result["error"]["message"]
    return str(result["error"]["code"])


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def write_args(content: bytes | None, expect: bytes | None, path: str = WSLCONFIG) -> dict[str, object]:
    return {
        "path": path,
        "content": None if content is None else base64.b64encode(content).decode(),
        "expect_sha256": None if expect is None else digest(expect),
    }


def test_rule_is_created_read_back_and_removed(host: Host, windows: FakeWindows) -> None:
    made = value(host, "hyperv_rule.create", **RULE)
    assert made["before"] is None
    assert made["after"]["local_ports"] == ["8080"]
    assert made["after"]["profiles"] == ["Domain", "Private"]
    assert windows.writes() == ["New-NetFirewallHyperVRule"]
    assert code(host, "hyperv_rule.create", **RULE) == "exists"
    gone = value(host, "hyperv_rule.remove", name=RULE["name"])
    assert (gone["before"]["action"], gone["after"]) == ("Allow", None)
    assert windows.rules == {}
    assert code(host, "hyperv_rule.remove", name=RULE["name"]) == "not-found"


def test_rules_of_others_are_not_touched(host: Host, windows: FakeWindows) -> None:
    for name in ("WslCore-Allow-Inbound-ICMPv4-1-{X}", "*", "", "Wslnet-x"):
        assert code(host, "hyperv_rule.remove", name=name) == "bad-op"
    assert code(host, "hyperv_rule.create", **{**RULE, "name": "other"}) == "bad-op"
    assert windows.sent() == []
    assert code(host, "hyperv_rule.remove", name="wslnet-*") == "not-found"


def test_a_write_that_changes_nothing_is_a_failure(host: Host, windows: FakeWindows) -> None:
    windows.ineffective = {"New-NetFirewallHyperVRule", "Set-NetIPInterface", "Move-Item"}
    assert code(host, "hyperv_rule.create", **RULE) == "failed"
    assert code(host, "forwarding.set", interface_index=7, family=4, enabled=True) == "failed"
    assert code(host, "wslconfig.write", **write_args(NEW, OLD)) == "failed"


def test_missing_rights_are_said_so(host: Host, windows: FakeWindows) -> None:
    windows.denied = {"Set-NetIPInterface", "New-NetFirewallHyperVRule"}
    assert code(host, "forwarding.set", interface_index=7, family=4, enabled=True) == "not-permitted"
    assert code(host, "hyperv_rule.create", **RULE) == "not-permitted"


@pytest.mark.parametrize("acts", [True, False])
def test_a_lost_answer_is_settled_by_reading_back(host: Host, windows: FakeWindows, acts: bool) -> None:  # noqa: FBT001 - a parameter of the table
    windows.lost = lambda _name: acts
    result = run(host, "forwarding.set", interface_index=7, family=4, enabled=True)
    assert result["ok"] is acts
    assert windows.writes() == ["Set-NetIPInterface"]
    rule = run(host, "hyperv_rule.create", **RULE)
    assert rule["ok"] is acts


def test_lost_answer_of_the_move_is_settled_by_reading_back(host: Host, windows: FakeWindows) -> None:
    windows.lost = lambda name: True if name == "Move-Item" else None
    assert value(host, "wslconfig.write", **write_args(NEW, OLD))["after"] == {"sha256": digest(NEW)}


def test_forwarding_by_index_and_family(host: Host, windows: FakeWindows) -> None:
    done = value(host, "forwarding.set", interface_index=7, family=6, enabled=True)
    assert done == {"before": {"enabled": False}, "after": {"enabled": True}}
    assert windows.forwarding == {(7, "IPv4"): 0, (7, "IPv6"): 1}
    assert code(host, "forwarding.set", interface_index=8, family=4, enabled=True) == "not-found"
    assert code(host, "forwarding.set", interface_index=7, family=5, enabled=True) == "bad-op"
    assert code(host, "forwarding.set", interface_index=True, family=4, enabled=True) == "bad-op"
    assert code(host, "forwarding.set", interface_index=7, family=4, enabled=1) == "bad-op"


@pytest.mark.parametrize(
    ("proto", "first", "last"),
    [("sctp", 1024, 65535), ("tcp", 1023, 65535), ("tcp", 1024, 65536), ("udp", 20000, 20253)],
)
def test_dynamic_ports_that_windows_cannot_have_are_not_tried(
    host: Host, windows: FakeWindows, proto: str, first: int, last: int
) -> None:
    assert code(host, "dynamic_ports.set", proto=proto, first=first, last=last) == "bad-op"
    assert windows.writes() == []


def test_setting_is_made_when_there_is_none_and_changed_when_there_is(
    host: Host, windows: FakeWindows
) -> None:
    first = value(host, "hyperv_setting.set", default_inbound_action="Allow")
    assert (first["before"]["default_inbound"], first["after"]["default_inbound"]) == ("Block", "Allow")
    value(host, "hyperv_setting.set", default_inbound_action="NotConfigured")
    assert windows.writes() == ["New-NetFirewallHyperVVMSetting", "Set-NetFirewallHyperVVMSetting"]
    assert code(host, "hyperv_setting.set", default_inbound_action="Open") == "refused"


def test_wslconfig_is_replaced_through_a_temporary_file(host: Host, windows: FakeWindows) -> None:
    done = value(host, "wslconfig.write", **write_args(NEW, OLD))
    assert done == {"before": {"sha256": digest(OLD)}, "after": {"sha256": digest(NEW)}}
    assert windows.files == {WSLCONFIG: NEW, f"{WSLCONFIG}.wslnet-bak": OLD}
    assert windows.writes() == ["Copy-Item", "Set-Content", "Move-Item"]


def test_wslconfig_is_made_and_taken_back(host: Host, windows: FakeWindows) -> None:
    del windows.files[WSLCONFIG]
    assert value(host, "wslconfig.write", **write_args(NEW, None))["before"] is None
    assert value(host, "wslconfig.write", **write_args(None, NEW))["after"] is None
    assert windows.files == {f"{WSLCONFIG}.wslnet-bak": NEW}


def test_an_empty_file_is_not_an_absent_one(host: Host, windows: FakeWindows) -> None:
    windows.files[WSLCONFIG] = b""
    assert code(host, "wslconfig.write", **write_args(NEW, None)) == "changed"
    assert value(host, "wslconfig.write", **write_args(NEW, b""))["after"] == {"sha256": digest(NEW)}


@pytest.mark.parametrize("link", ["D:\\dot\\wslconfig", "dot\\wslconfig"])
def test_a_link_is_followed_and_stays(host: Host, windows: FakeWindows, link: str) -> None:
    target = link if ":" in link else f"C:\\Users\\17895\\{link}"
    windows.files = {target: OLD}
    windows.links = {WSLCONFIG: link}
    for path, old, new in ((WSLCONFIG, OLD, NEW), (target, NEW, OLD)):
        value(host, "wslconfig.write", **write_args(new, old, path))
        assert windows.files[target] == new
    assert windows.links == {WSLCONFIG: link}
    assert WSLCONFIG not in windows.files


def test_a_file_that_changed_meanwhile_is_left_alone(host: Host, windows: FakeWindows) -> None:
    windows.files[WSLCONFIG] = b"# edited\n"
    assert code(host, "wslconfig.write", **write_args(NEW, OLD)) == "changed"
    assert windows.writes() == []


def test_a_locked_file_is_one_clear_code_and_leaves_nothing(host: Host, windows: FakeWindows) -> None:
    windows.locked = {WSLCONFIG}
    assert code(host, "wslconfig.write", **write_args(NEW, OLD)) == "locked"
    assert windows.writes() == []


def test_a_file_locked_against_writing_only_is_left_as_it_was(host: Host, windows: FakeWindows) -> None:
    def lock(name: str) -> None:
        if name == "Move-Item":
            windows.locked.add(WSLCONFIG)

    reads = windows._get_content
    windows.lost = lock  # type: ignore[assignment]

    def readable(given: Any, outputs: Any, errors: Any) -> None:
        windows.locked.clear()
        reads(given, outputs, errors)

    windows._get_content = readable  # type: ignore[method-assign]
    assert code(host, "wslconfig.write", **write_args(NEW, OLD)) == "locked"
    assert windows.files == {WSLCONFIG: OLD, f"{WSLCONFIG}.wslnet-bak": OLD}


def test_only_the_users_own_file_is_written(host: Host, windows: FakeWindows) -> None:
    for path in ("C:\\Windows\\System32\\drivers\\etc\\hosts", "C:\\Users\\other\\.wslconfig", "*"):
        assert code(host, "wslconfig.write", **write_args(NEW, OLD, path)) == "bad-op"
    assert windows.writes() == []


def test_wsl_is_stopped_and_started(host: Host, wsl_exe: FakeWslExe) -> None:
    stopped = value(host, "wsl.shutdown")
    assert stopped == {"before": {"running": ["docker-desktop"]}, "after": {"running": []}}
    started = value(host, "wsl.start", distro="Ubuntu-22.04")
    assert started["after"]["running"] == ["Ubuntu-22.04"]
    assert code(host, "wsl.start", distro="Debian") == "not-found"
    assert wsl_exe.seen.count(("--shutdown",)) == 1


def test_a_started_distro_can_be_kept_up(host: Host, wsl_exe: FakeWslExe) -> None:
    value(host, "wsl.start", distro="Ubuntu-22.04", hold_s=600)
    assert wsl_exe.seen[-2] == ("-d", "Ubuntu-22.04", "-u", "root", "-e", "sleep", "600")
    assert code(host, "wsl.start", distro="Ubuntu-22.04", hold_s="x") == "bad-op"


def test_a_failed_start_carries_wsls_own_code(host: Host, wsl_exe: FakeWslExe) -> None:
    wsl_exe.fails = "无法启动。\r\nError code: Wsl/Service/CreateInstance/CreateVm/0x80070780\r\n".encode()
    result = run(host, "wsl.start", distro="Ubuntu-22.04")
    assert result["error"]["code"] == "failed"
    assert result["error"]["message"].endswith("Wsl/Service/CreateInstance/CreateVm/0x80070780")


def test_probes_are_answered_in_order(host: Host, windows: FakeWindows) -> None:
    probes = [
        {"proto": "icmp", "dst": "10.0.0.1", "port": None},
        {"proto": "tcp", "dst": "10.0.0.2", "port": 9090},
        {"proto": "udp", "dst": "10.0.0.2", "port": 53},
        {"proto": "ssh", "dst": "10.0.0.2", "port": None},
    ]
    answers = value(host, "probes", probes=probes)
    assert [answer["ok"] for answer in answers] == [True, False, None, True]
    assert len(windows.batches) == 3
    assert value(host, "probes", probes=[]) == []


def test_nothing_runs_after_a_failed_change(host: Host, windows: FakeWindows) -> None:
    ops: list[dict[str, object]] = [
        {"verb": "facts", "args": {"needs": ["nonsense"]}},
        {"verb": "forwarding.set", "args": {"interface_index": 9, "family": 4, "enabled": True}},
        {"verb": "hyperv_rule.create", "args": RULE},
    ]
    codes = [result["error"]["code"] for result in execute(host, ops)]  # type: ignore[index]
    assert codes == ["bad-op", "not-found", "not-run"]
    assert windows.writes() == []


@pytest.mark.parametrize(
    "op", [{"verb": "run"}, {"verb": "facts", "args": []}, {}, {"verb": "facts", "args": {"needs": "os"}}]
)
def test_malformed_ops_are_answered(host: Host, op: dict[str, object]) -> None:
    (result,) = execute(host, [op])
    assert result["error"]["code"] == "bad-op"  # type: ignore[index]
