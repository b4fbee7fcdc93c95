"""Which rules of a ruleset are somebody's own, and where they go when the makers' rules are there again."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wslnet.model.linux_facts import LinuxFacts
from wslnet.model.linux_network import Firewall
from wslnet.netfilter.hand_made import chains, insertions

LIBVIRT_OLD = """\
*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -i virbr0 -p udp -m udp --dport 53 -j ACCEPT
-A INPUT -i virbr0 -p tcp -m tcp --dport 67 -j ACCEPT
{head}-A FORWARD -d 192.168.124.0/24 -o virbr0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -s 192.168.124.0/24 -i virbr0 -j ACCEPT
-A FORWARD -i virbr0 -o virbr0 -j ACCEPT
-A FORWARD -o virbr0 -j REJECT --reject-with icmp-port-unreachable
-A FORWARD -i virbr0 -j REJECT --reject-with icmp-port-unreachable
-A OUTPUT -o virbr0 -p udp -m udp --dport 68 -j ACCEPT
COMMIT
*nat
:POSTROUTING ACCEPT [0:0]
-A POSTROUTING -s 192.168.124.0/24 -d 224.0.0.0/24 -j RETURN
-A POSTROUTING -s 192.168.124.0/24 ! -d 192.168.124.0/24 -p tcp -j MASQUERADE --to-ports 1024-65535
-A POSTROUTING -s 192.168.124.0/24 ! -d 192.168.124.0/24 -j MASQUERADE
COMMIT
"""
NOTE = (
    "-A FORWARD -s 192.168.122.0/24 -d 192.168.124.0/24 -j ACCEPT\n"
    "-A FORWARD -s 192.168.124.0/24 -d 192.168.122.0/24 -j ACCEPT\n"
    "-A FORWARD -i virbr0 -o virbr0 -j ACCEPT\n"
)
MAKERS = """\
*filter
:INPUT ACCEPT [0:0]
:FORWARD DROP [0:0]
:DOCKER - [0:0]
:DOCKER-USER - [0:0]
:LIBVIRT_FWI - [0:0]
:WSLOUTPUT - [0:0]
-A INPUT -j LIBVIRT_INP
-A FORWARD -j DOCKER-USER
-A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -i docker0 ! -o docker0 -j ACCEPT
-A LIBVIRT_FWI -d 192.168.122.0/24 -o virbr0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A DOCKER -d 172.17.0.2/32 ! -i docker0 -o docker0 -p tcp -m tcp --dport 80 -j ACCEPT
{user}-A DOCKER-USER -j RETURN
COMMIT
"""


def by_hand(text: str) -> dict[str, list[str]]:
    facts = LinuxFacts(firewall=Firewall({"iptables-nft": {"4": text}}, "iptables-nft"))
    return {
        one.chain: [" ".join(one.order[place]) for place in one.foreign]
        for one in chains("vm1", facts)
        if one.foreign
    }


def test_what_libvirt_and_docker_make_is_not_taken_for_handwork() -> None:
    assert by_hand(LIBVIRT_OLD.format(head="")) == {}
    assert by_hand(MAKERS.format(user="")) == {}


def test_the_rules_of_the_note_are_handwork_even_where_libvirt_has_the_same() -> None:
    assert by_hand(LIBVIRT_OLD.format(head=NOTE)) == {
        "FORWARD": [line.removeprefix("-A FORWARD ") for line in NOTE.splitlines()]
    }


def test_the_chain_that_docker_leaves_to_its_user_is_read() -> None:
    found = by_hand(MAKERS.format(user="-A DOCKER-USER -s 10.0.0.0/8 -j DROP\n"))
    assert found == {"DOCKER-USER": ["-s 10.0.0.0/8 -j DROP"]}


def test_a_chain_by_hand_is_made_and_filled_and_wslnets_own_is_apart() -> None:
    text = (
        "*filter\n:FORWARD ACCEPT [0:0]\n:MINE - [0:0]\n"
        "-A FORWARD -m comment --comment wslnet:a->b -j ACCEPT\n"
        "-A FORWARD -j MINE\n-A MINE -p icmp -j ACCEPT\nCOMMIT\n"
    )
    facts = LinuxFacts(firewall=Firewall({"iptables-nft": {"4": text, "6": text}}, "iptables-nft"))
    found = {(one.family, one.chain): one for one in chains("wsl", facts)}
    assert set(found) == {(4, "FORWARD"), (4, "MINE"), (6, "FORWARD"), (6, "MINE")}
    forward, mine = found[4, "FORWARD"], found[6, "MINE"]
    assert (forward.own, forward.foreign, forward.made) == ((0,), (1,), False)
    assert (mine.foreign, mine.made) == ((0,), True)


def after(order: list[str], wanted: list[int], present: list[str]) -> list[str]:
    specs = [(one,) for one in order]
    there = [(one,) for one in present]
    for position, spec in insertions(specs, wanted, there):
        there.insert(position - 1, spec)
    return [one for (one,) in there]


@pytest.mark.parametrize(
    ("order", "wanted", "present", "expected"),
    [
        ("abcST", [0, 1, 2], "ST", "abcST"),  # at the head, above what libvirt makes
        ("SaT", [1], "ST", "SaT"),
        ("STa", [2], "ST", "STa"),  # appended
        ("aVSVR", [0, 1], "SVR", "aVSVR"),  # a copy of a rule that libvirt makes once
        ("Sa", [1], "aS", "aS"),  # there again, elsewhere: not doubled
        ("SaT", [1], "UVT", "aUVT"),  # its neighbour above is gone
        ("aa", [0, 1], "a", "aa"),
    ],
)
def test_each_rule_goes_where_it_stood(order: str, wanted: list[int], present: str, expected: str) -> None:
    assert "".join(after(list(order), wanted, list(present))) == expected


@given(st.lists(st.sampled_from("abST"), max_size=12))
def test_with_all_other_rules_back_the_chain_is_as_it_was(order: list[str]) -> None:
    wanted = [place for place, name in enumerate(order) if name in "ab"]
    assert after(order, wanted, [name for name in order if name in "ST"]) == order


@given(st.lists(st.sampled_from("abST"), max_size=10), st.lists(st.sampled_from("abSTU"), max_size=10))
def test_nothing_that_is_there_is_doubled_or_lost(order: list[str], present: list[str]) -> None:
    wanted = [place for place, name in enumerate(order) if name in "ab"]
    result = after(order, wanted, present)
    grown = Counter(result) - Counter(present)
    assert grown == Counter(
        {name: n for name, n in (Counter(order) - Counter(present)).items() if name in "ab"}
    )
    assert [name for name in result if name in "STU"] == [name for name in present if name in "STU"]
