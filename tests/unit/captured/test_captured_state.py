"""Routes and settings by hand: which are kept, in which mode they mean something, what is missing after."""

from __future__ import annotations

from dataclasses import replace

import pytest

from wslnet.engine.captured import missing
from wslnet.model.captured import Captured, KeptRoute, KeptRules, KeptSysctl, captured_from_json
from wslnet.model.hand_made import policies, routes, sysctls
from wslnet.model.linux_facts import LinuxFacts
from wslnet.model.linux_network import Firewall, Hop, Link, Route, Rule

NOTE = Route(4, "192.168.124.0/24", "192.168.122.191", "virbr0", proto=3)


def kept(*found: Route, mode: str | None = "nat") -> dict[str, str | None]:
    facts = LinuxFacts(routes=found, links=(Link(9, "tun0", kind="tun"),))
    return {one.what: one.mode for one in routes("wsl", facts, mode) if isinstance(one, KeptRoute)}


def test_a_route_by_hand_is_kept_and_those_of_their_makers_are_not() -> None:
    made = [replace(NOTE, dst=f"10.{proto}.0.0/16", proto=proto) for proto in (2, 9, 12, 16, 186)]
    network = Route(4, "default", "192.168.122.1", "enp1s0", proto=4, metric=100)
    assert kept(NOTE, *made, network) == {"route 192.168.124.0/24 via 192.168.122.191 dev virbr0": None}


def test_a_route_on_a_card_of_wsl_belongs_to_the_mode() -> None:
    assert kept(replace(NOTE, dev="eth0", via=None)) == {"route 192.168.124.0/24 dev eth0": "nat"}
    assert kept(replace(NOTE, dev="eth0", via=None), mode=None) == {"route 192.168.124.0/24 dev eth0": None}


@pytest.mark.parametrize(
    "route", [replace(NOTE, dev="tun0"), replace(NOTE, hops=(Hop("a", "b"),)), replace(NOTE, type="local")]
)
def test_what_cannot_be_copied_is_told_as_lost(route: Route) -> None:
    facts = LinuxFacts(routes=(route,), links=(Link(9, "tun0", kind="tun"),))
    (lost,) = routes("wsl", facts, "nat")
    assert not isinstance(lost, KeptRoute)
    assert lost.why


def test_policy_rules_by_hand_are_told_from_those_of_kernel_and_wsl() -> None:
    wsl = [
        Rule(4, 0, iif="eth0", ipproto=6, table=255),
        Rule(4, 1, ipproto=6, table=127),
        Rule(4, 2, table=255),
    ]
    kernel = [Rule(4, 32766, table=254), Rule(4, 32767, table=253)]
    mine, bound = Rule(4, 500, table=200, src="10.3.0.0/16", fwmark=32), Rule(4, 501, iif="eth0", table=200)
    facts = LinuxFacts(rules=(*wsl, mine, bound, *kernel))
    kept = tuple(policies("wsl", facts, "mirrored"))
    assert [(one.rule, one.mode) for one in kept] == [(mine, None), (bound, "mirrored")]
    found = Captured(policies=kept)
    ((text, op),) = missing("wsl", found, LinuxFacts(rules=(bound,)), "mirrored")
    assert (op.verb, op.args["src"], op.args["fwmark"], op.args["table"]) == (
        "policy.add",
        "10.3.0.0/16",
        32,
        200,
    )
    assert "500: from 10.3.0.0/16 fwmark 0x20 lookup 200" in text
    assert list(missing("wsl", found, LinuxFacts(rules=(mine,)), "nat")) == []


CONF = "net.ipv4.conf"


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ({"net.ipv4.ip_forward": "1"}, ["net.ipv4.ip_forward"]),
        ({"net.ipv4.ip_forward": "0"}, []),
        ({f"{CONF}.virbr0.route_localnet": "1"}, [f"{CONF}.virbr0.route_localnet"]),
        ({f"{CONF}.virbr0.arp_filter": "1", f"{CONF}.default.arp_filter": "1"}, []),  # WSL's, and inherited
        ({f"{CONF}.eth0.accept_local": "1", f"{CONF}.loopback0.route_localnet": "1"}, []),  # WSL's own cards
        ({f"{CONF}.all.rp_filter": "0", "net.ipv4.ip_local_port_range": "44620 48715"}, []),
        ({f"{CONF}.vnet0.proxy_arp": "1"}, []),  # goes and comes with its VM
        ({"net.bridge.bridge-nf-call-iptables": "0"}, ["net.bridge.bridge-nf-call-iptables"]),
        ({"net.ipv6.conf.virbr0.disable_ipv6": "1"}, []),  # libvirt's
        ({"net.ipv6.conf.all.forwarding": "1"}, ["net.ipv6.conf.all.forwarding"]),
    ],
)
def test_settings_by_hand_are_told_from_those_of_wsl_and_libvirt(
    found: dict[str, str], expected: list[str]
) -> None:
    assert [one.key for one in sysctls("wsl", LinuxFacts(sysctls=found), "mirrored")] == expected


def test_libvirt_switches_forwarding_on_by_itself() -> None:
    facts = LinuxFacts(sysctls={"net.ipv4.ip_forward": "1"}, domains=())
    assert list(sysctls("wsl", facts, "nat")) == []


ACCEPT, REJECT = ("-s", "10.0.0.0/8", "-j", "ACCEPT"), ("-o", "virbr0", "-j", "REJECT")
FOUND = Captured(
    (KeptRoute("wsl", NOTE), KeptRoute("wsl", replace(NOTE, dst="10.9.0.0/16", dev="eth0"), mode="nat")),
    (
        KeptRules("wsl", "iptables-nft", 4, "filter", "FORWARD", (ACCEPT, REJECT), (0,)),
        KeptRules("wsl", "iptables-nft", 4, "filter", "MINE", (ACCEPT,), (0,), made=True),
    ),
    (KeptSysctl("wsl", "net.ipv4.conf.virbr0.route_localnet", "1"),),
)
SAVED = "*filter\n:FORWARD ACCEPT [0:0]\n{rules}-A FORWARD -o virbr0 -j REJECT\nCOMMIT\n"


def facts_of(rules: str = "", found: tuple[Route, ...] = (), value: str = "0") -> LinuxFacts:
    firewall = Firewall({"iptables-nft": {"4": SAVED.format(rules=rules)}}, "iptables-nft")
    return LinuxFacts(routes=found, firewall=firewall, sysctls={FOUND.sysctls[0].key: value})


def test_only_what_is_missing_is_made_in_an_order_that_works() -> None:
    verbs = [op.verb for _, op in missing("wsl", FOUND, facts_of(), "mirrored")]
    assert verbs == ["sysctl.set", "route.add", "chain.add", "rule.insert", "rule.insert"]
    ops = [op for _, op in missing("wsl", FOUND, facts_of(), "mirrored")]
    assert ops[1].args == {
        "family": 4, "dst": NOTE.dst, "via": NOTE.via, "dev": "virbr0", "table": 254, "proto": 3, "metric": 0,
    }  # fmt: skip
    assert (ops[3].args["position"], ops[3].args["spec"]) == (1, list(ACCEPT))
    assert list(missing("vm1", FOUND, facts_of(), "mirrored")) == []


def test_what_is_there_again_is_left_alone() -> None:
    there = facts_of(
        "-A FORWARD -s 10.0.0.0/8 -j ACCEPT\n", (replace(NOTE, via="192.168.122.9", proto=4),), "1"
    )
    assert [op.verb for _, op in missing("wsl", FOUND, there, "mirrored")] == ["chain.add", "rule.insert"]


def test_a_route_of_the_old_mode_comes_back_only_in_it() -> None:
    made = [text for text, op in missing("wsl", FOUND, facts_of(), "nat") if op.verb == "route.add"]
    assert any("10.9.0.0/16" in text for text in made)
    listed = {str(one["what"]): one["put_back"] for one in FOUND.listed("mirrored")}
    assert [what for what, back in listed.items() if not back] == [
        "route 10.9.0.0/16 via 192.168.122.191 dev eth0"
    ]


def test_the_journal_gives_back_what_it_got() -> None:
    assert captured_from_json(FOUND.to_json()) == FOUND


def test_a_run_that_lasts_leaves_foreign_state_to_its_owner_and_keeps_its_own_and_the_old_modes() -> None:
    own = KeptRoute("wsl", replace(NOTE, dst="10.8.0.0/16", proto=119), own=True)
    rules = (replace(FOUND.rules[0], foreign=(0,), own=(1,)),)
    found = replace(FOUND, routes=(*FOUND.routes, own), rules=rules)
    assert found.foreign.routes == FOUND.routes
    assert found.foreign.rules[0].own == ()
    assert found.lasting == Captured((FOUND.routes[1], own), (replace(rules[0], foreign=()),))


def test_what_is_found_later_goes_before_what_was_found_earlier() -> None:
    now = Captured((KeptRoute("wsl", replace(NOTE, via="192.168.122.7")),), (), FOUND.sysctls)
    both = now.beside(FOUND)
    assert [one.route.via for one in both.routes if one.route.dst == NOTE.dst] == ["192.168.122.7"]
    assert both.sysctls == FOUND.sysctls
    assert both.rules == FOUND.rules
