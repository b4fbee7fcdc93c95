"""Mirrored mode by packets: steering by port, the Hyper-V firewall, 127.0.0.1."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from wslnet_lab.fabric import mirrored
from wslnet_lab.fabric.model import MirroredHost
from wslnet_lab.fabric.netns import FabricError

from .conftest import ETHERNET, HOST, LAN_ADDRESS, LOCAL, OUTSIDE, admit, rule

if TYPE_CHECKING:
    from tests.lab.fabric.conftest import World

    from wslnet_lab.fabric.hyperv_firewall import Rule
    from wslnet_lab.fabric.mirrored import Mirroring

pytestmark = pytest.mark.lab


def test_take_down_leaves_windows_as_it_was(office: World) -> None:
    windows = office.names["windows"]
    shown = [
        ("ip", "rule"),
        ("ip", "-br", "link"),
        ("ip", "route", "show", "table", "all"),
        ("nft", "list", "ruleset"),
    ]

    def look() -> list[str]:
        return [office.run("windows", *command) for command in shown]

    before = look()
    mirror = mirrored.start(windows, office.names["wsl"], MirroredHost((ETHERNET,), ("eth1",)))
    assert look() != before
    office.remove("wsl")
    mirror.stop()
    assert look() == before
    mirrored.clear(windows)
    assert look() == before


def test_lan_reaches_what_wsl_has_bound_and_the_firewall_admits(office: World, mirror: Mirroring) -> None:
    for proto in ("tcp", "udp"):
        office.serve("wsl", proto, 8080)
        office.serve("wsl", proto, 9090)
        office.serve("windows", proto, 7070)
    admit(office, rule("TCP", "8080"), rule("UDP", "8000-8100"))
    assert mirror.refresh()
    assert not mirror.refresh()
    for proto in ("tcp", "udp"):
        assert office.ask("lan", proto, HOST, 8080).startswith(f"wsl saw {LAN_ADDRESS}:")
        assert office.ask("lan", proto, HOST, 9090) == "silence"
        assert office.ask("lan", proto, HOST, 7070).startswith(f"windows saw {LAN_ADDRESS}:")
        assert office.ask("lan", proto, HOST, 7777) == "refused"


def test_ipv6_is_steered_too(office: World, mirror: Mirroring) -> None:
    office.serve("wsl", "tcp", 8080, "::")
    office.serve("lan", "tcp", 80, "::")
    admit(office, rule("TCP", "8080", remotes=("LocalSubnet",)))
    mirror.refresh()
    assert office.ask("lan", "tcp", "2001:db8:21::109", 8080).startswith("wsl saw 2001:db8:21::10:")
    assert office.ask("wsl", "tcp", "2001:db8:21::10", 80).startswith("lan saw 2001:db8:21::109:")
    assert office.ping("wsl", "2001:db8:21::10")
    assert office.ping("windows", "2001:db8:21::10")


def test_a_port_is_steered_while_it_is_bound(office: World, mirror: Mirroring) -> None:
    admit(office, rule("TCP"))
    with office.serve("wsl", "tcp", 8080):
        mirror.refresh()
        assert office.ask("lan", "tcp", HOST, 8080).startswith("wsl")
    office.serve("windows", "tcp", 8080)
    mirror.refresh()
    assert 8080 not in mirror.steered.tcp
    assert office.ask("lan", "tcp", HOST, 8080).startswith("windows")


def test_a_port_of_windows_stays_with_windows(office: World, mirror: Mirroring) -> None:
    admit(office, rule("TCP"))
    office.serve("windows", "tcp", 22)
    office.serve("wsl", "tcp", 22)
    mirror.refresh()
    assert office.ask("lan", "tcp", HOST, 22).startswith("windows")
    assert office.ask("windows", "tcp", LOCAL, 22).startswith("windows")


def test_some_ports_never_reach_wsl(office: World, mirror: Mirroring) -> None:
    admit(office, rule("TCP"), rule("UDP"))
    office.serve("wsl", "tcp", 5004)
    office.serve("wsl", "udp", 68)
    office.serve("wsl", "tcp", 5005)
    mirror.refresh()
    assert office.ask("lan", "tcp", HOST, 5004) == "refused"
    assert office.ask("lan", "udp", HOST, 68) == "refused"
    assert office.ask("lan", "tcp", HOST, 5005).startswith("wsl")


@pytest.mark.parametrize(
    ("rules", "policy", "admitted"),
    [
        ((), {}, False),
        ((), {"default_inbound": "Allow"}, True),
        ((), {"enabled": False}, True),
        ((rule("TCP", "8080"),), {}, True),
        ((rule("TCP", "8000-8079"),), {}, False),
        ((rule("UDP", "8080"),), {}, False),
        ((rule("6"),), {}, True),
        ((rule("Any"),), {}, True),
        ((rule("TCP", "8080", remotes=("172.24.21.10",)),), {}, True),
        ((rule("TCP", "8080", remotes=("172.24.21.0/255.255.255.0",)),), {}, True),
        ((rule("TCP", "8080", remotes=("172.24.21.11-172.24.21.20",)),), {}, False),
        ((rule("TCP", "8080", remotes=("10.0.0.0/8", "2001:db8::/32")),), {}, False),
        ((rule("TCP", "8080", remotes=("LocalSubnet",)),), {}, True),
        ((rule("TCP", "RPC"),), {}, False),
        ((rule("TCP", "8080"), rule("TCP", "8080", action="Block")), {}, False),
        ((rule("TCP", "8080", action="Block"),), {"default_inbound": "Allow"}, False),
    ],
)
def test_hyperv_firewall_decides_inbound(
    office: World, mirror: Mirroring, rules: tuple[Rule, ...], policy: dict[str, object], *, admitted: bool
) -> None:
    office.serve("wsl", "tcp", 8080)
    mirror.refresh()
    admit(office, *rules, **policy)
    answer = office.ask("lan", "tcp", HOST, 8080)
    assert answer.startswith("wsl saw") if admitted else answer == "silence"


def test_hyperv_firewall_outbound(office: World, mirror: Mirroring) -> None:
    office.serve("lan", "tcp", 80)
    office.serve("lan", "udp", 80)
    office.serve("wsl", "tcp", 8080)
    mirror.refresh()
    admit(office, rule("TCP", "8080"), default_outbound="Block")
    assert office.ask("wsl", "tcp", LAN_ADDRESS, 80) == "silence"
    assert office.ask("wsl", "udp", LAN_ADDRESS, 80) == "silence"
    assert not office.ping("wsl", LAN_ADDRESS)
    assert office.ask("lan", "tcp", HOST, 8080).startswith("wsl"), "replies are part of what came in"
    assert office.ask("windows", "tcp", LAN_ADDRESS, 80).startswith("lan"), (
        "it is the guest's firewall, not Windows'"
    )


@pytest.mark.parametrize(
    "bad", [rule("TCP", "http!"), rule("ICMPv4", "80"), rule("TCP", "80", remotes=("here",))]
)
def test_a_rule_that_says_nothing_is_refused_by_name(office: World, bad: Rule) -> None:
    with pytest.raises(FabricError, match="rule Allow-"):
        admit(office, bad)


def test_wsl_and_windows_both_reach_out(office: World, mirror: Mirroring) -> None:
    office.serve("lan", "tcp", 80)
    office.serve("lan", "udp", 80)
    office.serve("gw", "tcp", 80, OUTSIDE)
    for role in ("wsl", "windows"):
        for proto in ("tcp", "udp"):
            assert office.ask(role, proto, LAN_ADDRESS, 80).startswith(f"lan saw {HOST}:")
        assert office.ask(role, "tcp", OUTSIDE, 80).startswith(f"gw saw {HOST}:")
        assert office.ping(role, LAN_ADDRESS)
        assert office.ping(role, OUTSIDE)
    assert office.ping("lan", HOST)
    port = int(office.ask("wsl", "tcp", LAN_ADDRESS, 80).rsplit(":", 1)[1])
    assert 44620 <= port <= 48715
    assert mirror.host.block.first == 44620


def test_a_client_bound_to_a_port_of_its_own_gets_its_replies_at_once(
    office: World, mirror: Mirroring
) -> None:
    office.serve("lan", "tcp", 2049)
    office.serve("lan", "udp", 2049)
    assert office.ask("wsl", "tcp", LAN_ADDRESS, 2049, source_port=700).startswith(f"lan saw {HOST}:700")
    assert office.ask("wsl", "udp", LAN_ADDRESS, 2049, source_port=700).startswith(f"lan saw {HOST}:700")
    assert mirror.steered.tcp == frozenset()


def test_large_packets_pass_in_fragments(office: World, mirror: Mirroring) -> None:
    assert office.run("wsl", "ping", "-n", "-c1", "-W1", "-s", "4000", LAN_ADDRESS)
    assert mirror.guest.namespace == office.names["wsl"]


def test_localhost_is_one_for_both(office: World, mirror: Mirroring) -> None:
    for proto in ("tcp", "udp"):
        office.serve("wsl", proto, 2222, LOCAL)
        office.serve("windows", proto, 3389)
        office.serve("windows", proto, 5000, LOCAL)
    mirror.refresh()
    for proto in ("tcp", "udp"):
        for role in ("windows", "wsl"):
            assert office.ask(role, proto, LOCAL, 2222).startswith(f"wsl saw {LOCAL}:")
            assert office.ask(role, proto, LOCAL, 3389).startswith(f"windows saw {LOCAL}:")
            assert office.ask(role, proto, LOCAL, 5000).startswith(f"windows saw {LOCAL}:")
    # Of the guest's UDP to nobody Windows' complaint stays in Windows: ICMP never crosses (wsl-facts 2.2).
    assert office.ask("wsl", "udp", LOCAL, 7777) == "silence"
    for role, proto in (("wsl", "tcp"), ("windows", "tcp"), ("windows", "udp")):
        assert office.ask(role, proto, LOCAL, 7777) == "refused"
    assert office.ping("wsl", LOCAL)
    assert office.ping("windows", LOCAL)


def test_localhost_of_windows_needs_loopback_enabled(office: World, mirror: Mirroring) -> None:
    office.serve("wsl", "tcp", 2222)
    office.serve("windows", "tcp", 3389)
    mirror.refresh()
    admit(office, rule("TCP"), loopback=False)
    assert office.ask("wsl", "tcp", LOCAL, 3389) == "silence"
    assert office.ask("windows", "tcp", LOCAL, 2222) == "silence"
    assert office.ask("wsl", "tcp", LOCAL, 2222).startswith("wsl"), "the guest's own ports come back to it"


def test_own_lan_address_is_not_the_other_side(office: World, mirror: Mirroring) -> None:
    office.serve("wsl", "tcp", 8080)
    office.serve("windows", "tcp", 7070)
    mirror.refresh()
    assert office.ask("wsl", "tcp", HOST, 8080).startswith("wsl")
    assert office.ask("wsl", "tcp", HOST, 7070) == "refused"
    assert office.ask("windows", "tcp", HOST, 8080) == "refused"


def test_own_lan_address_leads_to_both_with_host_address_loopback(office: World) -> None:
    wish = MirroredHost((ETHERNET,), ("eth1",), host_address_loopback=True)
    mirror = mirrored.start(office.names["windows"], office.names["wsl"], wish)
    for proto in ("tcp", "udp"):
        office.serve("wsl", proto, 8080)
        office.serve("windows", proto, 7070)
    mirror.refresh()
    for role in ("wsl", "windows"):
        for proto in ("tcp", "udp"):
            assert office.ask(role, proto, HOST, 8080).startswith(f"wsl saw {HOST}:")
            assert office.ask(role, proto, HOST, 7070).startswith(f"windows saw {HOST}:")
    assert office.ask("wsl", "tcp", HOST, 7777) == "refused"
    office.serve("lan", "tcp", 80)
    assert office.ask("wsl", "tcp", LAN_ADDRESS, 80).startswith("lan")
    assert office.ask("windows", "tcp", LAN_ADDRESS, 80).startswith("lan")
    mirror.stop()
    assert office.ask("windows", "tcp", HOST, 7070).startswith("windows")
