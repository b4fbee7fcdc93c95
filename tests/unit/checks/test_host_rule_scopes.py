"""The rules for WSL behind NAT follow its network; ports that Windows keeps for itself are not published."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from wslnet.engine.exposure import exposures_of_windows
from wslnet.errors import PortTaken
from wslnet.model.forward import parse_forward
from wslnet.profiles.forward_conflicts import range_notes, refuse_conflicts
from wslnet.profiles.wsl_services import ended_service_rules, renewed_service_rules

if TYPE_CHECKING:
    from collections.abc import Callable

    from wslnet.model.snapshot import Snapshot

    Make = Callable[..., Snapshot]

RULE: dict[str, Any] = {
    "name": "wslnet-from-wsl-tcp-3000",
    "display_name": "wslnet: tcp/3000 of Windows",
    "action": "Allow",
    "protocol": "tcp",
    "local_ports": ["3000"],
    "remote_addresses": ["172.30.96.0/255.255.240.0"],
    "source": "Local",
}
RANGES = {
    "proto": "tcp",
    "excluded": [
        {"first": 5357, "last": 5357, "administered": False},
        {"first": 50000, "last": 50059, "administered": True},
    ],
    "dynamic": [49152, 65535],
}


def with_rules(snapshot: Make, *rules: dict[str, Any]) -> Snapshot:
    return snapshot("seed", {"facts": {"windows": {"host_rules": list(rules)}}})


PUBLISHED = {
    **RULE,
    "name": "wslnet-publish-tcp-2200",
    "local_ports": ["2200"],
    "remote_addresses": ["172.24.21.0/255.255.255.0"],
    "profiles": ["Domain", "Private"],
    "program": "%SystemRoot%\\System32\\svchost.exe",
    "service": "iphlpsvc",
}
PROXY = {
    "family": "v4tov4",
    "listen_address": "172.24.21.109",
    "listen_port": 2200,
    "connect_address": "172.23.102.37",
    "connect_port": 22,
}


@pytest.mark.parametrize(
    ("rules", "profile", "sources"),
    [
        ([PUBLISHED], {}, [("172.24.21.0/24",)]),
        ([], {}, []),
        ([PUBLISHED], {"local_rules": "False"}, []),
        ([{**PUBLISHED, "source": "GroupPolicy"}], {"local_rules": "False"}, [("172.24.21.0/24",)]),
        ([], {"enabled": "False"}, [("any source",)]),
    ],
)
def test_what_the_lan_reaches_of_wsl_by_ports_of_windows(
    snapshot: Make, rules: list[dict[str, Any]], profile: dict[str, str], sources: list[tuple[str]]
) -> None:
    profiles = [{"name": "Private", "enabled": "True", "local_rules": "True", **profile}]
    facts = {"host_rules": rules, "host_profiles": profiles, "portproxy": [PROXY]}
    seen = snapshot("seed", {"facts": {"windows": facts}})
    assert [one.sources for one in exposures_of_windows(seen)] == sources
    at_home = {**facts, "portproxy": [{**PROXY, "listen_address": "127.0.0.1"}]}
    assert list(exposures_of_windows(snapshot("seed", {"facts": {"windows": at_home}}))) == []


@pytest.mark.row("S1-06")
def test_a_rule_for_wsl_gets_the_prefix_of_now(snapshot: Make) -> None:
    seen = with_rules(snapshot, RULE, {**RULE, "name": "by-hand"})
    (rule,) = renewed_service_rules(seen, "windows")
    (change,) = rule.diff(seen.facts["windows"])
    assert change.do.args["remote_addresses"] == ["172.23.96.0/20"]
    assert change.undo is not None
    assert change.undo.args["remote_addresses"] == ["172.30.96.0/255.255.240.0"]
    now = with_rules(snapshot, {**RULE, "remote_addresses": ["172.23.96.0/255.255.240.0"]})
    assert [one.diff(now.facts["windows"]) for one in renewed_service_rules(now, "windows")] == [()]


def test_a_rule_for_wsl_is_revoked_by_its_port(snapshot: Make) -> None:
    seen = with_rules(snapshot, RULE)
    (gone,) = ended_service_rules(seen, "windows", {("tcp", 3000), ("udp", 53)})
    assert [one.do.verb for one in gone.diff(seen.facts["windows"])] == ["host_rule.remove"]
    assert list(ended_service_rules(seen, "windows", {("tcp", 3001)})) == []


def test_an_excluded_port_is_refused_with_its_range(snapshot: Make) -> None:
    seen = snapshot("seed", {"facts": {"windows": {"port_ranges": [RANGES]}}})
    with pytest.raises(PortTaken, match="excluded 5357-5357"):
        refuse_conflicts(seen, parse_forward("tcp/5357@lan=wsl:22"), ())
    refuse_conflicts(seen, parse_forward("tcp/50000@lan=wsl:22"), ())
    (note,) = range_notes(seen, parse_forward("tcp/50000@lan=wsl:22"))
    assert "outgoing connections (49152-65535)" in note
    assert list(range_notes(seen, parse_forward("tcp/2200@lan=wsl:22"))) == []


def test_ranges_that_windows_did_not_tell_are_named(snapshot: Make) -> None:
    unread = snapshot("seed", {"facts": {"windows": {"port_ranges": [{"proto": "tcp"}]}}})
    for seen in (unread, snapshot("seed")):
        (note,) = range_notes(seen, parse_forward("tcp/5357@lan=wsl:22"))
        assert "did not tell" in note


def test_a_mirrored_wsl_holds_ports_by_exclusions_itself(snapshot: Make) -> None:
    seen = snapshot("done", {"facts": {"windows": {"port_ranges": [RANGES]}}})
    (note,) = range_notes(seen, parse_forward("tcp/5357@lan=wsl:22"))
    assert "5357-5357" in note
