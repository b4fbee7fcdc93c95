"""FORWARD chains as libvirt, Docker, people and wslnet leave them, ours at any place and more than once."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from wslnet.model.linux_facts import LinuxFacts
from wslnet.model.linux_network import Firewall
from wslnet.netfilter.rules import Place
from wslnet.resources.forward_accept import ForwardAccept

from .linux_model import BACKEND

RESOURCE = ForwardAccept
SRC, DST = "192.168.122.0/24", "192.168.124.0/24"
OURS = f"-s {SRC} -d {DST} -m comment --comment 'wslnet:{SRC}->{DST}' -j ACCEPT"
WISHES = [
    ForwardAccept("host", SRC, DST, "eth0", "virbr0", "law"),
    ForwardAccept("host", DST, SRC, "virbr0", "eth0", "law"),
]
RULES = st.sampled_from(
    [
        OURS,
        "-o virbr0 -j REJECT --reject-with icmp-port-unreachable",
        "-i virbr0 -j REJECT --reject-with icmp-port-unreachable",
        "-j LIBVIRT_FWI",
        "-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
        f"-s {SRC} -j ACCEPT",
        "-i docker0 ! -o docker0 -j ACCEPT",
        "-p tcp -m tcp --dport 22 -j DROP",
        "-j RETURN",
    ]
)
EXTRA = st.sampled_from(["-d 192.168.124.0/24 -o virbr0 -j ACCEPT", "-o virbr0 -j REJECT"])


def _saved(policy: str, rules: list[str], extra: list[str]) -> LinuxFacts:
    lines = ["*filter", ":INPUT ACCEPT [0:0]", f":FORWARD {policy} [0:0]", ":LIBVIRT_FWI - [0:0]"]
    lines += [f"-A FORWARD {rule}" for rule in rules] + [f"-A LIBVIRT_FWI {rule}" for rule in extra]
    return LinuxFacts(firewall=Firewall({BACKEND: {"4": "\n".join([*lines, "COMMIT"])}}, BACKEND))


STATES = st.builds(
    _saved, st.sampled_from(["ACCEPT", "DROP"]), st.lists(RULES, max_size=6), st.lists(EXTRA, max_size=2)
)

NATIVE = Place("nft", "ip", "libvirt_network", "forward")
NATIVE_RULES = st.sampled_from(
    [
        f'ip saddr {SRC} ip daddr {DST} counter accept comment "wslnet:{SRC}->{DST}"',
        'iif "virbr0" oif "virbr0" counter accept',
        "ct state established,related counter accept",
        'oif "virbr0" counter reject',
        "meta mark 0x00000001 drop",
        "counter jump guest_input",
    ]
)


def native_ruleset(rules: list[str], inner: list[str]) -> LinuxFacts:
    lines = ["table ip libvirt_network {", "\tchain forward {"]
    lines += [
        "\t\ttype filter hook forward priority filter; policy accept;",
        *(f"\t\t{one}" for one in rules),
    ]
    lines += ["\t}", "", "\tchain guest_input {", *(f"\t\t{one}" for one in inner), "\t}", "}"]
    return LinuxFacts(firewall=Firewall({}, None, "\n".join(lines)))


NATIVE_STATES = st.builds(
    native_ruleset,
    st.lists(NATIVE_RULES, max_size=6),
    st.lists(st.sampled_from(['oif "virbr0" counter reject', "counter return"]), max_size=2),
)
CASES = st.one_of(
    st.tuples(STATES, st.sampled_from(WISHES)),
    st.tuples(NATIVE_STATES, st.sampled_from([replace(one, place=NATIVE) for one in WISHES])),
)
