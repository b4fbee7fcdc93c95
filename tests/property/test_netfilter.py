"""Readers of firewall rules under any text, and the walk against a plain reading of the same rules."""

from __future__ import annotations

import ipaddress
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from wslnet.model.linux_network import Firewall
from wslnet.netfilter.listing import read_any
from wslnet.netfilter.nft_text import parse_ruleset
from wslnet.netfilter.placing import first_stop, winning_chain
from wslnet.netfilter.rules import Act
from wslnet.netfilter.ruleset import parse_save
from wslnet.netfilter.view import base_chains, tables
from wslnet.netfilter.walk import Packet, walk

CASES = Path(__file__).parents[1] / "cases" / "firewalls"
NFT = (CASES / "firewalld-1.3.3.nft").read_text("utf-8")
SAVED = (CASES / "ufw-0.36.2.rules").read_text("utf-8")

LISTING = (CASES / "listing-nv-line-numbers.txt").read_text("utf-8")

NETS = ["10.0.0.0/8", "10.1.0.0/16", "192.168.122.0/24", "0.0.0.0/0", "10.1.2.3/32"]
HOSTS = ["10.1.2.3", "10.9.9.9", "192.168.122.7"]
LINKS = ["a", "b"]


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from([NFT, SAVED, LISTING]),
    st.integers(0, 12000),
    st.integers(0, 12000),
    st.text(max_size=30),
    st.sampled_from([0, 1]),
)
def test_no_text_however_cut_brings_a_reader_down(
    text: str, start: int, length: int, inserted: str, drop: int
) -> None:
    cut = text[:start] + inserted + text[start + length * drop :]
    firewall = Firewall({"iptables-nft": {"4": cut, "6": cut}}, "iptables-nft", cut)
    for family in (4, 6):
        for table in tables(firewall, family):
            for chain in table.chains.values():
                walk(table, chain.name, Packet("10.0.0.1", "10.0.0.2", "a", "b", "tcp", 22))
    for table in read_any(cut):
        assert all(name == chain.name for name, chain in table.chains.items())


matches = st.fixed_dictionaries(
    {},
    optional={
        "s": st.tuples(st.booleans(), st.sampled_from(NETS)),
        "d": st.tuples(st.booleans(), st.sampled_from(NETS)),
        "i": st.tuples(st.booleans(), st.sampled_from(LINKS)),
        "o": st.tuples(st.booleans(), st.sampled_from(LINKS)),
    },
)
verdicts = st.sampled_from(["ACCEPT", "DROP", "RETURN", "one", "two", "LOG"])
chains = st.fixed_dictionaries(
    {name: st.lists(st.tuples(matches, verdicts), max_size=4) for name in ("FORWARD", "one", "two")}
)
packets = st.builds(
    Packet,
    st.sampled_from(HOSTS),
    st.sampled_from(HOSTS),
    st.sampled_from(LINKS),
    st.sampled_from(LINKS),
)

Rules = dict[str, list[tuple[dict[str, tuple[bool, str]], str]]]
_NFT_WORDS = {"s": "ip saddr", "d": "ip daddr", "i": "iifname", "o": "oifname"}


def _fits(wanted: dict[str, tuple[bool, str]], packet: Packet) -> bool:
    has = {"s": packet.src, "d": packet.dst, "i": packet.iif, "o": packet.oif}
    for key, (negated, value) in wanted.items():
        inside = (
            ipaddress.ip_address(has[key]) in ipaddress.ip_network(value)
            if key in "sd"
            else has[key] == value
        )
        if inside == negated:
            return False
    return True


def _plain(rules: Rules, chain: str, packet: Packet, depth: int = 0) -> str | None:
    for wanted, verdict in rules[chain] if depth < 40 else ():
        if not _fits(wanted, packet) or verdict == "LOG":
            continue
        if verdict == "RETURN":
            return None
        inner = _plain(rules, verdict, packet, depth + 1) if verdict in rules else verdict
        if inner is not None:
            return inner
    return None


def _acyclic(rules: Rules) -> Rules:
    """Jumps go down only: FORWARD to both, one to two."""
    allowed = {"FORWARD": {"one", "two"}, "one": {"two"}, "two": set()}
    return {
        name: [(m, v if v.isupper() or v in allowed[name] else "LOG") for m, v in listed]
        for name, listed in rules.items()
    }


def as_iptables(rules: Rules, policy: str) -> str:
    lines = ["*filter", f":FORWARD {policy} [0:0]", ":one - [0:0]", ":two - [0:0]"]
    for name, listed in rules.items():
        for wanted, verdict in listed:
            words = [f"{'! ' if negated else ''}-{key} {value}" for key, (negated, value) in wanted.items()]
            lines.append(" ".join(["-A", name, *words, "-j", verdict]))
    return "\n".join([*lines, "COMMIT", ""])


def as_nft(rules: Rules, policy: str) -> str:
    lines = ["table ip t {"]
    for name, listed in rules.items():
        lines.append(f"\tchain {name} {{")
        if name == "FORWARD":
            lines.append(f"\t\ttype filter hook forward priority filter; policy {policy.lower()};")
        for wanted, verdict in listed:
            words = [
                f"{_NFT_WORDS[key]} {'!= ' if negated else ''}{value if key in 'sd' else repr(value)}"
                for key, (negated, value) in wanted.items()
            ]
            act = verdict.lower() if verdict.isupper() else f"jump {verdict}"
            lines.append("\t\t" + " ".join([*words, "counter packets 1 bytes 2", act]).replace("'", '"'))
        lines.append("\t}")
    return "\n".join([*lines, "}", ""])


@settings(max_examples=300, deadline=None)
@given(chains, st.sampled_from(["ACCEPT", "DROP"]), packets)
def test_both_back_ends_are_walked_as_one_would_by_hand(rules: Rules, policy: str, packet: Packet) -> None:
    rules = _acyclic(rules)
    expected = _plain(rules, "FORWARD", packet) or policy
    assert walk(parse_save(as_iptables(rules, policy))["filter"], "FORWARD", packet).target == expected
    (native,) = parse_ruleset(as_nft(rules, policy))
    assert walk(native, "FORWARD", packet).target == expected


@settings(max_examples=200, deadline=None)
@given(chains, st.sampled_from(["ACCEPT", "DROP"]), packets)
def test_an_accept_at_the_head_of_the_base_chain_always_wins(
    rules: Rules, policy: str, packet: Packet
) -> None:
    saved = as_iptables(_acyclic(rules), policy)
    (base,) = base_chains(Firewall({"iptables-nft": {"4": saved}}, "iptables-nft", ""), "forward")
    chain = winning_chain(base, f"{packet.src}/32", f"{packet.dst}/32", [packet])
    assert chain == "FORWARD"
    added = f"-A FORWARD -s {packet.src}/32 -d {packet.dst}/32 -j ACCEPT"
    first = saved.index("-A ") if "-A " in saved else saved.index("COMMIT")
    (after,) = base_chains(
        Firewall({"iptables-nft": {"4": f"{saved[:first]}{added}\n{saved[first:]}"}}, None, ""), "forward"
    )
    assert first_stop(after, [packet]) is None
    assert after.chain.rules[0].act is Act.ACCEPT
