"""All back ends are decoded to the same things, walked alike, and told apart where they share a table."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from wslnet.model.linux_network import Firewall
from wslnet.netfilter.iptables_words import decode
from wslnet.netfilter.nft_text import parse_ruleset
from wslnet.netfilter.order import asked, chains_of
from wslnet.netfilter.owners import owner_of
from wslnet.netfilter.placing import first_stop, place_of, winning_chain
from wslnet.netfilter.rules import Act, Chain, Field, Table
from wslnet.netfilter.ruleset import parse_save, tainted_tables
from wslnet.netfilter.view import base_chains, rule_users, tables
from wslnet.netfilter.walk import Packet, walk

CASES = Path(__file__).parents[1] / "cases" / "firewalls"
SHARED = Path(os.environ.get("WSLNET_SHARED", Path(__file__).parents[3] / "shared"))
CORPUS = SHARED / "corpus" / "linux"

OUTER, INNER = "192.168.122.0/24", "192.168.124.0/24"
INTO = Packet("192.168.122.2", "192.168.124.2", "enp1s0", "virbr0", "tcp", 22)
PING = Packet("192.168.122.2", "192.168.124.2", "enp1s0", "virbr0", "icmp")
OUT_OF = Packet("192.168.124.2", "192.168.122.2", "virbr0", "enp1s0", "tcp", 22)

LIBVIRT_TABLE = """\
table ip libvirt_network {
	chain forward {
		type filter hook forward priority filter; policy accept;
		counter packets 12 bytes 1008 jump guest_cross
		counter packets 12 bytes 1008 jump guest_input
		counter packets 0 bytes 0 jump guest_output
	}

	chain guest_input {
		oif "virbr0" ip daddr 192.168.124.0/24 ct state established,related counter packets 0 bytes 0 accept
		oif "virbr0" counter packets 12 bytes 1008 reject
	}

	chain guest_output {
		ip saddr 192.168.124.0/24 iif "virbr0" counter packets 0 bytes 0 accept
		iif "virbr0" counter packets 0 bytes 0 reject
	}

	chain guest_cross {
		iif "virbr0" oif "virbr0" counter packets 0 bytes 0 accept
	}
}
"""
OPEN = "*filter\n:FORWARD ACCEPT [0:0]\nCOMMIT\n"
DOCKER = """\
*filter
:FORWARD DROP [0:0]
:DOCKER-USER - [0:0]
:DOCKER-FORWARD - [0:0]
[1:2] -A FORWARD -j DOCKER-USER
[1:2] -A FORWARD -j DOCKER-FORWARD
[0:0] -A DOCKER-FORWARD -i docker0 -j ACCEPT
COMMIT
"""
LIBVIRT_ABOVE_DOCKER = DOCKER.replace(
    "[1:2] -A FORWARD -j DOCKER-USER", "[1:2] -A FORWARD -j LIBVIRT_FWI\n[1:2] -A FORWARD -j DOCKER-USER"
).replace("COMMIT", "[3:4] -A LIBVIRT_FWI -o virbr0 -j REJECT --reject-with icmp-port-unreachable\nCOMMIT")


def table_of(text: str) -> Table:
    (table,) = parse_ruleset(text)
    return table


def firewall(saved: str = "", nft: str = "", **others: str) -> Firewall:
    backends = {"iptables-nft": {"4": saved}, **{name: {"4": text} for name, text in others.items()}}
    return Firewall(backends, "iptables-nft", nft)


def test_a_native_rule_keeps_words_number_and_counters_and_means_what_it_says() -> None:
    chain = table_of(LIBVIRT_TABLE).chains["guest_input"]
    first, second = chain.rules
    assert first.text == 'oif "virbr0" ip daddr 192.168.124.0/24 ct state established,related counter accept'
    assert (second.number, second.act, second.packets, second.bytes) == (2, Act.REJECT, 12, 1008)
    assert first.values(Field.STATE) == ("established", "related")
    assert first.values(Field.OIF) == ("virbr0",)


def test_the_packet_of_the_note_ends_in_libvirts_own_table() -> None:
    table = table_of(LIBVIRT_TABLE)
    verdict = walk(table, "forward", INTO)
    assert (verdict.target, verdict.chain, verdict.rule and verdict.rule.number) == (
        "REJECT",
        "guest_input",
        2,
    )
    assert walk(table, "forward", OUT_OF).passes
    assert owner_of(table, verdict.chain, verdict.rule) == "libvirt"


def test_handles_and_comments_of_nft_are_no_words_of_a_rule() -> None:
    line = 'iifname "x" counter packets 1 bytes 2 return # handle 7'
    text = f"table ip nat {{\n\tchain A {{ # handle 4\n\t\t{line}\n\t}}\n}}\n"
    (rule,) = table_of(text).chains["A"].rules
    assert rule.text == 'iifname "x" counter return'


def test_what_nft_cannot_print_is_an_unknown_match() -> None:
    line = "meta l4proto udp # xt_udp counter packets 5 bytes 6 accept"
    (rule,) = table_of(f"table ip filter {{\n\tchain A {{\n\t\t{line}\n\t}}\n}}\n").chains["A"].rules
    assert (rule.act, rule.packets) == (Act.ACCEPT, 5)
    assert [match.field for match in rule.matches] == [Field.PROTO, Field.UNKNOWN]


MAPS = """\
table ip docker-bridges {
	map in-jumps {
		type ifname : verdict
		elements = { "docker0" : jump in__docker0,
			"virbr0" : jump in__virbr0 }
	}

	chain filter-FORWARD {
		type filter hook forward priority filter + 5; policy accept;
		oifname vmap @in-jumps
		ct state vmap { established : accept, invalid : drop }
		iifname { "a", "b" } drop
	}

	chain in__docker0 {
		counter drop
	}

	chain in__virbr0 {
		counter reject
	}
}
"""


def test_an_entry_of_a_verdict_map_is_a_rule_that_shares_its_number() -> None:
    table = table_of(MAPS)
    chain = table.chains["filter-FORWARD"]
    assert [rule.number for rule in chain.rules] == [1, 1, 2, 2, 3]
    assert [rule.number for rule in chain.listed] == [1, 2, 3]
    assert (chain.hook, chain.priority, chain.kind) == ("forward", 5, "filter")
    assert walk(table, "filter-FORWARD", INTO).chain == "in__virbr0"
    assert walk(table, "filter-FORWARD", OUT_OF).passes
    assert not walk(table, "filter-FORWARD", Packet("1.1.1.1", "2.2.2.2", "b", "c")).passes


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("ip saddr 192.168.122.0/24 accept", "ACCEPT"),
        ("ip saddr != 192.168.122.0/24 accept", "REJECT"),
        ("ip saddr { 10.0.0.0/8, 192.168.122.0-192.168.122.9 } accept", "ACCEPT"),
        ("ip saddr @lab accept", "ACCEPT"),
        ("ip6 saddr ::/0 accept", "REJECT"),
        ("meta nfproto ipv4 accept", "ACCEPT"),
        ("tcp dport { 22, 80 } accept", "ACCEPT"),
        ("tcp dport 80-90 accept", "REJECT"),
        ("tcp dport ssh accept", "UNKNOWN"),
        ("udp dport 22 accept", "REJECT"),
        ("meta l4proto { icmp, tcp } counter packets 0 bytes 0 accept", "ACCEPT"),
        ('iifname "enp*" accept', "ACCEPT"),
        ("ct status dnat accept", "REJECT"),
        ("ct state { new, untracked } accept", "ACCEPT"),
        ("meta mark 0x00000001 accept", "UNKNOWN"),
        ("meta mark set 0x00000001 accept", "ACCEPT"),
        ('limit rate 3/minute burst 5 packets log prefix "a accept b" drop', "REJECT"),
        ("fib saddr . iif oif missing drop", "REJECT"),
        ("tcp flags syn tcp option maxseg size set rt mtu", "REJECT"),
        ('log prefix "no drop here" level info', "REJECT"),
        ("icmp type echo-request accept", "REJECT"),
        ('comment "accept"', "REJECT"),
    ],
)
def test_native_matches_are_decided_or_said_to_be_unknown(rule: str, expected: str) -> None:
    text = (
        "table inet t {\n\tset lab {\n\t\ttype ipv4_addr\n\t\tflags interval\n"
        "\t\telements = { 10.1.0.0/16,\n\t\t\t     192.168.122.0/25 }\n\t}\n\n\tchain c {\n"
        f"\t\ttype filter hook forward priority 0; policy accept;\n\t\t{rule}\n\t\treject\n\t}}\n}}\n"
    )
    assert walk(table_of(text), "c", INTO).target == expected


def test_a_doubt_that_makes_no_difference_is_none() -> None:
    text = "*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD -m mark --mark 0x1 -j ACCEPT\nCOMMIT\n"
    assert walk(parse_save(text)["filter"], "FORWARD", INTO).target == "ACCEPT"
    text = text.replace("FORWARD ACCEPT", "FORWARD DROP")
    assert walk(parse_save(text)["filter"], "FORWARD", INTO).target == "UNKNOWN"
    left = text.replace("-j ACCEPT", "-j RETURN").replace("COMMIT", "-A FORWARD -j ACCEPT\nCOMMIT")
    verdict = walk(parse_save(left)["filter"], "FORWARD", INTO)
    assert (verdict.target, verdict.rule and verdict.rule.number) == ("UNKNOWN", 2)


def test_a_doubtful_return_leaves_its_chain_only() -> None:
    text = (
        "*filter\n:FORWARD ACCEPT [0:0]\n:OWN - [0:0]\n-A FORWARD -j OWN\n-A FORWARD -j DROP\n"
        "-A OWN -m mark --mark 0x1 -j RETURN\n-A OWN -j DROP\nCOMMIT\n"
    )
    assert walk(parse_save(text)["filter"], "FORWARD", INTO).target == "DROP"


def test_tables_that_two_tools_show_come_once_and_strangers_in_them_are_kept() -> None:
    native = (
        "table ip filter {\n\tchain FORWARD {\n\t\ttype filter hook forward priority 0; policy accept;\n\t}\n"
        "\tchain mine {\n\t\ttype filter hook forward priority 5; policy drop;\n\t}\n}\n"
    )
    found = [(base.table.backend, base.chain.name) for base in base_chains(firewall(OPEN, native), "forward")]
    assert found == [("iptables-nft", "FORWARD"), ("nft", "mine")]
    assert [base.filters for base in base_chains(firewall(OPEN, native), "forward")] == [False, True]


def test_a_table_that_iptables_refuses_to_show_is_read_from_nft() -> None:
    saved = "# Table `filter' is incompatible, use 'nft' tool.\n"
    head = "type filter hook forward priority 0; policy drop;"
    native = f"table ip filter {{\n\tchain FORWARD {{\n\t\t{head}\n\t}}\n}}\n"
    (base,) = base_chains(firewall(saved, native), "forward")
    assert (base.table.backend, base.chain.policy) == ("nft", "DROP")
    assert tainted_tables(saved) == ("filter",)


def test_base_chains_come_in_the_order_of_the_kernel() -> None:
    saved = "*mangle\n:FORWARD ACCEPT [0:0]\nCOMMIT\n" + OPEN
    found = base_chains(firewall(saved, MAPS, **{"iptables-legacy": OPEN}), "forward")
    assert [str(place_of(base)) for base in found] == [
        "mangle FORWARD",
        "filter FORWARD",
        "iptables-legacy filter FORWARD",
        "ip docker-bridges filter-FORWARD",
    ]
    assert set(rule_users(firewall(OPEN, MAPS))) == {"nft"}


def test_an_accept_goes_where_it_wins() -> None:
    (docker,) = base_chains(firewall(DOCKER), "forward")
    assert winning_chain(docker, OUTER, INNER, [INTO, PING]) == "DOCKER-USER"
    (below,) = base_chains(firewall(LIBVIRT_ABOVE_DOCKER), "forward")
    stop = first_stop(below, [INTO])
    assert stop is not None
    assert stop.verdict.chain == "LIBVIRT_FWI"
    assert winning_chain(below, OUTER, INNER, [INTO, PING]) == "FORWARD"
    (own,) = base_chains(firewall(OPEN, LIBVIRT_TABLE), "forward")[1:]
    assert winning_chain(own, OUTER, INNER, [INTO, PING]) == "forward"
    assert winning_chain(own, "10.0.0.0/8", INNER, [INTO]) is None


def test_ufw_as_recorded_lets_pings_pass_and_stops_the_rest() -> None:
    table = parse_save((CASES / "ufw-0.36.2.rules").read_text("utf-8"))["filter"]
    assert walk(table, "FORWARD", PING).passes
    verdict = walk(table, "FORWARD", INTO)
    assert (verdict.target, verdict.rule) == ("DROP", None)
    assert owner_of(table, "FORWARD", None) == "ufw"


def test_firewalld_as_recorded_rejects_between_its_zones() -> None:
    table = table_of((CASES / "firewalld-1.3.3.nft").read_text("utf-8"))
    verdict = walk(table, "filter_FORWARD", INTO)
    assert (verdict.target, verdict.chain) == ("REJECT", "filter_FWD_public")
    assert walk(table, "filter_FORWARD", OUT_OF).passes
    assert owner_of(table, verdict.chain, verdict.rule) == "firewalld"
    assert not table.locked
    unknown = {
        match.values
        for chain in table.chains.values()
        for rule in chain.rules
        for match in rule.matches
        if match.field is Field.UNKNOWN and chain.name.startswith("filter_F")
    }
    assert unknown == set()


def test_a_table_that_its_owner_locks_is_known() -> None:
    assert table_of(
        "table inet firewalld { # progname firewalld\n\tflags owner,persist\n\n\tchain c {\n\t}\n}\n"
    ).locked


def test_rules_are_asked_in_the_order_of_their_jumps() -> None:
    table = parse_save(LIBVIRT_ABOVE_DOCKER)["filter"]
    told = [(one.depth, one.chain, one.rule.number) for one in asked(table, "FORWARD")]
    assert told == [
        (0, "FORWARD", 1),
        (1, "LIBVIRT_FWI", 1),
        (0, "FORWARD", 2),
        (0, "FORWARD", 3),
        (1, "DOCKER-FORWARD", 1),
    ]
    native = table_of(MAPS)
    assert chains_of(native, "filter") == ("filter-FORWARD", "in__docker0", "in__virbr0")
    assert chains_of(native, "nat") == ()


@pytest.mark.parametrize(
    ("words", "fields"),
    [
        (
            "-p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu",
            [Field.PROTO, Field.UNKNOWN, Field.UNKNOWN],
        ),
        ("-m physdev --physdev-is-bridged -j ACCEPT", [Field.BRIDGED]),
        ("-p 17 ! -s 10.0.0.1/32 -j DROP", [Field.PROTO, Field.SRC]),
        ("-m comment --comment words -g OTHER", []),
        ("", []),
    ],
)
def test_words_of_iptables(words: str, fields: list[Field]) -> None:
    matches, _, _ = decode(words.split())
    assert [match.field for match in matches] == fields


def test_goto_and_jump_and_target_are_told_apart() -> None:
    assert decode(["-g", "OTHER"])[1:] == (Act.GOTO, "OTHER")
    assert decode(["-j", "OTHER"])[1:] == (Act.JUMP, "OTHER")
    assert decode(["-j", "MASQUERADE", "--to-ports", "1024-65535"])[1:] == (Act.OTHER, "MASQUERADE")
    assert decode(["-j", "REJECT", "--reject-with", "tcp-reset"])[1:] == (Act.REJECT, None)


@pytest.mark.corpus
@pytest.mark.skipif(not CORPUS.is_dir(), reason="needs ../shared")
@pytest.mark.parametrize(
    ("file", "chain", "count"),
    [
        ("iptables-save-1.8.11-docker-new-chains.txt", "DOCKER-FORWARD", 7),
        ("iptables-save-nft-docker-bridge.txt", "FORWARD", 15),
        ("iptables-S-ufw-docker-libvirt-duplicates.txt", "FORWARD", None),
        ("iptables-save-neutron-libvirt-truncated-rules.txt", "FORWARD", 11),
    ],
)
def test_recorded_rules_of_iptables(file: str, chain: str, count: int | None) -> None:
    text = (CORPUS / file).read_text("utf-8")
    found = parse_save(text)["filter"].chains[chain]
    assert len(found.rules) == (count or text.count(f"-A {chain} "))
    assert all(rule.text or rule.act is Act.OTHER for rule in found.rules)


@pytest.mark.corpus
@pytest.mark.skipif(not CORPUS.is_dir(), reason="needs ../shared")
def test_recorded_rules_of_nft() -> None:
    def chains(file: str) -> dict[str, Chain]:
        return {
            chain.name: chain
            for table in parse_ruleset((CORPUS / file).read_text("utf-8"))
            for chain in table.chains.values()
        }

    compat = chains("nft-list-ruleset-libvirt-compat-ok.txt")["LIBVIRT_INP"]
    hidden = chains("nft-list-ruleset-libvirt-xt-comments.txt")["LIBVIRT_INP"]
    assert [rule.act for rule in hidden.rules] == [rule.act for rule in compat.rules]
    assert hidden.rules[0].packets == 518
    assert any(match.field is Field.UNKNOWN for match in hidden.rules[0].matches)
    docker = chains("docker29-nft-new-daemon.txt")
    assert [rule.target for rule in docker["filter-FORWARD"].rules] == [
        "filter-forward-in__docker0",
        "filter-forward-out__docker0",
    ]
    assert chains("nft-libvirt_network-firewalld-empty.txt") == {}
    (returned, translated) = chains("nft-a-docker-wsl-mirrored.txt")["DOCKER"].rules
    assert (returned.act, translated.target) == (Act.RETURN, "dnat")


def test_both_families_are_read() -> None:
    six = Firewall(
        {"iptables-nft": {"6": OPEN}}, "iptables-nft", "table ip6 t {\n\tchain c {\n\t\tdrop\n\t}\n}\n"
    )
    assert [(table.family, table.name) for table in tables(six, 6)] == [("ip6", "filter"), ("ip6", "t")]
    assert tables(six, 4) == ()
