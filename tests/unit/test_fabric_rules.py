"""The fabric's pure parts: which ports are steered, how a firewall policy reads, what Windows sends when."""

from __future__ import annotations

import dataclasses

import pytest

from wslnet_lab.fabric import hyperv_firewall
from wslnet_lab.fabric.guest import consomme, events, mirrored, nat
from wslnet_lab.fabric.guest.events import AddressChange, LinkState, RouteChange
from wslnet_lab.fabric.hyperv_firewall import Policy, Rule
from wslnet_lab.fabric.model import MirroredHost, NatLink, Nic, PortBlock, Route
from wslnet_lab.fabric.netns import FabricError, Namespace
from wslnet_lab.fabric.steering import Ports, choose

WIFI = Nic("wifi", "a4:c3:f0:11:22:33", ("192.168.1.50/24",), gateway="192.168.1.1", metric=35)


def ports(*numbers: int) -> Ports:
    return Ports(tcp=frozenset(numbers), udp=frozenset(numbers))


def test_windows_keeps_what_it_holds_and_what_is_never_given_away() -> None:
    chosen = choose(ports(22, 53, 68, 135, 5004, 8080, 44620, 48715, 48716), ports(22), PortBlock())
    assert chosen == Ports(tcp=frozenset({68, 8080, 48716}), udp=frozenset({135, 5004, 8080, 48716}))


def test_a_policy_fills_both_tables_blocks_first() -> None:
    rules = (
        Rule("a", "Inbound", "Allow", "TCP", ("8080", "9000-9010"), ("10.0.0.0/8", "2001:db8::1")),
        Rule("b", "Inbound", "Block", "UDP", ("RPC-EPMap",)),
        Rule("c", "Outbound", "Block", "17"),
    )
    text = hyperv_firewall.render(Policy(rules=rules))
    for table in ("inet windows", "netdev fse"):
        inbound = [line for line in text.splitlines() if line.startswith(f"add rule {table} hyperv_in ")]
        assert [" ".join(line.split()[5:]) for line in inbound] == [
            "meta l4proto 17 th dport { 135 } goto denied",
            "ip saddr { 10.0.0.0/8 } meta l4proto 6 th dport { 8080, 9000-9010 } return",
            "ip6 saddr { 2001:db8::1/128 } meta l4proto 6 th dport { 8080, 9000-9010 } return",
            "goto denied",
        ]
        assert f"add rule {table} hyperv_out meta l4proto 17 goto denied" in text
    assert "host_in goto denied" not in text


def test_no_policy_is_no_rule() -> None:
    text = hyperv_firewall.render(Policy(enabled=False, default_inbound="Block", loopback=False))
    assert all(line.startswith("flush chain ") for line in text.splitlines())


def test_local_subnet_stands_for_what_windows_has() -> None:
    rule = Rule("a", "Inbound", "Allow", "Any", (), ("LocalSubnet",))
    assert "ip saddr { 172.24.21.0/24 } return" in hyperv_firewall.render(
        Policy(rules=(rule,)), ["172.24.21.0/24"]
    )
    assert hyperv_firewall.render(Policy(rules=(rule,))) == hyperv_firewall.render(Policy())


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (Rule("p", "Inbound", "Allow", "TCPP"), "rule p: no protocol TCPP"),
        (Rule("p", "Inbound", "Allow", "256"), "rule p: no protocol 256"),
        (Rule("p", "Inbound", "Allow", "TCP", ("70000",)), "rule p: no port 70000"),
        (Rule("p", "Inbound", "Allow", "ICMPv4", ("80",)), "rule p: ports need the protocol TCP or UDP"),
        (Rule("p", "Inbound", "Allow", "TCP", (), ("10.0.0.300",)), "rule p: no address 10.0.0.300"),
    ],
)
def test_a_rule_that_says_nothing_is_named(rule: Rule, words: str) -> None:
    with pytest.raises(FabricError, match=words):
        hyperv_firewall.render(Policy(rules=(rule,)))


def test_a_card_comes_with_routes_that_find_their_next_hop() -> None:
    nic = dataclasses.replace(
        WIFI, routes=(Route("10.9.0.0/16", "192.168.1.9", 40), Route("10.8.0.0/16", None, 1))
    )
    sent = mirrored.add_card(nic, "eth0", PortBlock())
    assert [type(event) for event in sent[:4]] == [events.Card, events.CardFilter, events.Settle, LinkState]
    assert sent[4] == AddressChange("eth0", "Add", "192.168.1.50/24")
    assert [(event.dst, event.via, event.metric) for event in sent if isinstance(event, RouteChange)] == [
        ("192.168.1.0/24", None, 291),
        ("10.8.0.0/16", None, 1),
        ("10.9.0.0/16", "192.168.1.9", 40),
        ("192.168.1.1/32", None, 35),
        ("0.0.0.0/0", "192.168.1.1", 35),
    ]


def test_a_card_without_a_cable_gets_no_address() -> None:
    sent = mirrored.add_card(dataclasses.replace(WIFI, connected=False), "eth0", PortBlock())
    assert sent[-1] == LinkState("eth0", connected=False, mtu=1500, mirrored=True)


def test_what_windows_sends_when_a_card_changes() -> None:
    other = dataclasses.replace(WIFI, gateway="192.168.1.254")
    sent = mirrored.changes(WIFI, other, "eth0")
    assert mirrored.changes(WIFI, WIFI, "eth0") == []
    assert [(event.change, event.dst) for event in sent if isinstance(event, RouteChange)] == [
        ("Remove", "192.168.1.1/32"),
        ("Remove", "0.0.0.0/0"),
        ("Update", "192.168.1.0/24"),
        ("Add", "192.168.1.254/32"),
        ("Add", "0.0.0.0/0"),
    ]
    assert not any(isinstance(event, AddressChange) for event in sent)
    gone = mirrored.changes(WIFI, dataclasses.replace(WIFI, connected=False), "eth0")
    assert gone[1:] == [AddressChange("eth0", "Remove", "192.168.1.50/24")]
    smaller = mirrored.changes(WIFI, dataclasses.replace(WIFI, mtu=1300), "eth0")
    assert AddressChange("eth0", "Update", "192.168.1.50/24") in smaller
    off = dataclasses.replace(WIFI, connected=False)
    assert mirrored.changes(off, dataclasses.replace(off, mtu=1300), "eth0") == []


def test_boot_events_by_mode() -> None:
    switch = Nic("wslnat", "00:15:5d:00:00:01", ("172.23.96.1/20",))
    guest = Nic("eth0", "00:15:5d:00:00:02", ("172.23.109.38/20",), gateway="172.23.96.1", mtu=1420)
    sent = nat.boot(NatLink(switch, guest, dns="172.23.96.1"))
    assert sent[0] == events.Boot(tunnel=None)
    assert sent[-1] == LinkState("eth0", connected=True, mtu=1420)
    assert events.Boot("10.255.255.254") == mirrored.boot(MirroredHost((WIFI,), ("eth0",)))[0]
    assert mirrored.finish(MirroredHost((), ()))[-1] == events.ReservePorts(PortBlock(44620, 48715))
    assert not any(isinstance(event, events.CardFilter) for event in consomme.boot(WIFI, "192.168.1.1"))


def test_a_namespace_that_is_not_there_is_named() -> None:
    with (
        pytest.raises(FabricError, match="cannot enter the namespace wl-t-nowhere: No such file"),
        Namespace("wl-t-nowhere"),
    ):
        pass
