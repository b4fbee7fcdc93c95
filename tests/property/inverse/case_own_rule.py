"""PREROUTING as Docker, people and wslnet leave it: ours at any place, twice, or to another target."""

from __future__ import annotations

from hypothesis import strategies as st

from wslnet.model.linux_facts import LinuxFacts
from wslnet.model.linux_network import Firewall
from wslnet.resources.own_rule import OwnRule

from .linux_model import BACKEND

RESOURCE = OwnRule
MATCH = ("-p", "tcp", "-m", "tcp", "--dport", "2222", "-m", "addrtype", "--dst-type", "LOCAL")
WISHES = st.sampled_from(["192.168.124.91:22", "192.168.122.7:22"]).map(
    lambda to: OwnRule(
        "wsl", "nat", "PREROUTING", "publish tcp/2222", MATCH, ("-j", "DNAT", "--to-destination", to), "law"
    )
)
OURS = f"{' '.join(MATCH)} -m comment --comment 'wslnet:publish tcp/2222' -j DNAT --to-destination"
RULES = st.sampled_from(
    [
        f"{OURS} 192.168.124.91:22",
        f"{OURS} 192.168.122.7:22",
        "-m comment --comment 'wslnet:publish udp/53' -j RETURN",
        "-m addrtype --dst-type LOCAL -j DOCKER",
        "-p tcp -m tcp --dport 80 -j DNAT --to-destination 10.0.0.2:80",
    ]
)


def _saved(rules: list[str]) -> LinuxFacts:
    lines = [
        "*nat",
        ":PREROUTING ACCEPT [0:0]",
        ":DOCKER - [0:0]",
        *(f"-A PREROUTING {one}" for one in rules),
    ]
    return LinuxFacts(firewall=Firewall({BACKEND: {"4": "\n".join([*lines, "COMMIT"])}}, BACKEND))


CASES = st.tuples(st.lists(RULES, max_size=5).map(_saved), WISHES)
