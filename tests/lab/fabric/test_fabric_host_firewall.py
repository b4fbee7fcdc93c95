"""Windows' own firewall by packets: what comes to Windows itself, and what goes past it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from wslnet_lab.fabric import host_firewall
from wslnet_lab.fabric.host_firewall import Zone
from wslnet_lab.fabric.hyperv_firewall import Policy, Rule

from .conftest import ETHERNET, rule

if TYPE_CHECKING:
    from wslnet_lab.fabric.mirrored import Mirroring

    from .conftest import World

pytestmark = pytest.mark.lab

HOST = "172.24.21.109"
ECHO = Rule("FPS-ICMP4-ERQ-In", "Inbound", "Allow", "ICMPv4")


def guard(world: World, *rules: Rule, category: str = "Private", enabled: bool = True) -> None:
    policy = Policy(enabled=enabled, rules=rules)
    zones = [
        Zone(each, (ETHERNET.device,) if each == category else (), policy) for each in ("Private", "Public")
    ]
    host_firewall.apply(world.names["windows"], zones)


def test_nobody_comes_in_whom_no_rule_names(office: World) -> None:
    guard(office, ECHO)
    with office.serve("windows", "tcp", 2200), office.serve("windows", "udp", 5400):
        assert office.ask("lan", "tcp", HOST, 2200) == "silence"
        assert office.ask("lan", "udp", HOST, 5400) == "silence"
        assert office.ask("windows", "tcp", HOST, 2200).startswith("windows saw"), "from itself"
        assert office.ping("lan", HOST)
        guard(office, rule("TCP", "2200", remotes=("172.24.21.0/24",)))
        assert office.ask("lan", "tcp", HOST, 2200).startswith("windows saw")
        assert office.ask("gw", "tcp", HOST, 2200).startswith("windows saw")
        assert office.ask("lan", "udp", HOST, 5400) == "silence"
        assert not office.ping("lan", HOST)
        guard(office, rule("TCP", "2200"), rule("TCP", "2200", action="Block"))
        assert office.ask("lan", "tcp", HOST, 2200) == "silence", "a block wins"
        guard(office, enabled=False)
        assert office.ask("lan", "udp", HOST, 5400).startswith("windows saw")


def test_what_windows_began_is_answered(office: World) -> None:
    guard(office)
    with office.serve("lan", "tcp", 9090), office.serve("lan", "udp", 9090):
        assert office.ask("windows", "tcp", "172.24.21.10", 9090).startswith("lan saw")
        assert office.ask("windows", "udp", "172.24.21.10", 9090).startswith("lan saw")
    assert office.ping("windows", "172.24.21.10")


def test_a_mirrored_wsl_comes_past_it_and_its_ports_are_not_windows_own(
    office: World, mirror: Mirroring
) -> None:
    guard(office)
    with office.serve("windows", "tcp", 2200):
        mirror.refresh()
        assert office.ask("wsl", "tcp", "127.0.0.1", 2200).startswith("windows saw")
        assert office.ask("lan", "tcp", HOST, 2200) == "silence"
