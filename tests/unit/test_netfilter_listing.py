"""Listings of `iptables -L` as people paste them: blank columns, rounded counters, hidden interfaces."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from wslnet.cli.main import run
from wslnet.netfilter.listing import parse_listing, read_any
from wslnet.netfilter.rules import Act, Field
from wslnet.netfilter.walk import Packet, walk

CASES = Path(__file__).parents[1] / "cases" / "firewalls"
LISTING = (CASES / "listing-nv-line-numbers.txt").read_text("utf-8")
SHARED = Path(os.environ.get("WSLNET_SHARED", Path(__file__).parents[3] / "shared"))
CORPUS = SHARED / "corpus" / "linux"
SSH = Packet("192.168.122.2", "192.168.124.2", "enp1s0", "virbr0", "tcp", 22)
HTTP = Packet("192.168.122.2", "192.168.124.2", "enp1s0", "virbr0", "tcp", 80)


def test_blank_columns_numbers_for_protocols_and_rounded_counters() -> None:
    chain = parse_listing(LISTING).chains["FORWARD"]
    assert chain.policy == "DROP"
    jump, counting, accept, reject, goto = chain.rules
    assert (jump.act, jump.target, jump.packets, jump.bytes) == (
        Act.JUMP,
        "ufw-before-forward",
        1504,
        171_000,
    )
    assert (counting.act, counting.target, counting.comment) == (Act.OTHER, None, "counts only")
    assert (counting.packets, counting.bytes) == (12_000_000, 3_456_000_000)
    assert counting.values(Field.PROTO) == ("udp",)
    assert [(one.field, one.values, one.negated) for one in accept.matches] == [
        (Field.PROTO, ("tcp",), False),
        (Field.IIF, ("eth0",), True),
        (Field.OIF, ("virbr0",), False),
        (Field.SRC, ("192.168.122.0/24",), False),
        (Field.DST, ("10.0.0.0/8",), True),
        (Field.DPORT, ("22-23",), False),
        (Field.STATE, ("NEW", "ESTABLISHED"), False),
    ]
    assert (reject.act, [one.field for one in reject.matches]) == (Act.REJECT, [Field.OIF])
    assert (goto.act, goto.target) == (Act.GOTO, "OTHER")


def test_it_is_walked_like_saved_rules() -> None:
    table = parse_listing(LISTING)
    assert walk(table, "FORWARD", SSH).passes
    verdict = walk(table, "FORWARD", HTTP)
    assert (verdict.target, verdict.rule and verdict.rule.number) == ("REJECT", 4)


def test_without_v_no_rule_is_certain() -> None:
    text = (
        "Chain FORWARD (policy ACCEPT)\ntarget     prot opt source               destination\n"
        "DROP       all  --  anywhere             anywhere\n"
    )
    assert walk(parse_listing(text), "FORWARD", SSH).target == "UNKNOWN"


@pytest.mark.parametrize(
    ("chains", "table"),
    [
        (["INPUT", "FORWARD", "OUTPUT"], "filter"),
        (["PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"], "nat"),
        (["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"], "mangle"),
        (["PREROUTING", "OUTPUT"], "raw"),
    ],
)
def test_the_table_is_told_by_its_chains(chains: list[str], table: str) -> None:
    text = "\n".join(f"Chain {name} (policy ACCEPT)\ntarget prot opt source destination\n" for name in chains)
    assert parse_listing(text).name == table


@pytest.mark.row("S4-29")
def test_a_saved_text_is_decoded_without_any_machine(capsys: pytest.CaptureFixture[str]) -> None:
    file = str(CASES / "listing-nv-line-numbers.txt")
    assert run(["rules", "show", "filter", "--chain", "FORWARD", "--file", file, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [(one["number"], one["packets"]) for one in told["rules"]] == [
        (1, 1504),
        (2, 12_000_000),
        (3, 0),
        (4, 11),
        (5, 0),
    ]
    assert told["chains"][0]["policy"] == "DROP"
    assert run(["rules", "show", "--file", __file__]) == 2
    assert "no firewall rules" in capsys.readouterr().err


@pytest.mark.corpus
@pytest.mark.skipif(not CORPUS.is_dir(), reason="needs ../shared")
@pytest.mark.parametrize(
    ("file", "chain", "acts"),
    [
        ("iptables-L-no-jump.txt", "INPUT", [(Act.OTHER, None)]),
        ("iptables-nvL-ufw-numeric-proto.txt", "INPUT", [(Act.JUMP, "ufw-before-logging-input")]),
        ("iptables-L-nat-firewalld-docker-centos7.txt", "POSTROUTING_ZONES", [(Act.GOTO, "POST_public")] * 2),
        ("docker28-iptables-L-v-new-daemon.txt", "DOCKER", [(Act.DROP, None)]),
        ("docker28-iptables-nat-portmap.txt", "DOCKER", [(Act.OTHER, "DNAT")]),
        ("iptables-L-nv-ubuntu1804.txt", "INPUT", [(Act.ACCEPT, None)]),
    ],
)
def test_recorded_listings(file: str, chain: str, acts: list[tuple[Act, str | None]]) -> None:
    (table,) = read_any((CORPUS / file).read_text("utf-8"))
    found = [(rule.act, rule.target) for rule in table.chains[chain].rules]
    assert found[: len(acts)] == acts
