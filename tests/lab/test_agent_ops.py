"""Changing ops in real namespaces: exact, one at a time, and nothing foreign is touched."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from wslnet.model.change import Op

from .agent_bench import Netns, agent_in, refused

if TYPE_CHECKING:
    from wslnet.transport.agent_client import AgentClient

pytestmark = pytest.mark.lab


def route(**changes: object) -> dict[str, object]:
    given = {"family": 4, "dst": "192.168.124.0/24", "via": "192.168.122.191", "dev": "eth0"}
    return {**given, **changes}


class TestRoutes:
    def test_added_with_our_mark_and_deleted_again(self, agent: AgentClient, machine: Netns) -> None:
        before = machine.exec("ip", "-N", "route")
        assert agent.call("route.add", **route()) == {}
        assert "192.168.124.0/24 via 192.168.122.191 dev eth0 proto 119" in machine.exec("ip", "-N", "route")
        assert agent.call("route.delete", **route()) == {}
        assert machine.exec("ip", "-N", "route") == before

    @pytest.mark.parametrize(
        "wanted",
        [
            {"metric": 7, "proto": 4, "table": 300},
            {"dst": "default"},
            {"dst": "10.1.2.3/32", "via": None},
            {"family": 6, "dst": "fd01::/48", "via": "fd00::2"},
            {"family": 6, "dst": "default", "via": "fd00::2", "metric": 9},
            {"family": 6, "dst": "fd02::/48", "via": None},
            {"dev": None},
        ],
    )
    def test_every_shape_is_there_after_add_and_gone_after_delete(
        self, agent: AgentClient, wanted: dict[str, object]
    ) -> None:
        wish = route(**wanted)
        before = agent.facts(["routes"])
        agent.call("route.add", **wish)
        added = [r for r in agent.facts(["routes"])["routes"] if r not in before["routes"]]
        assert len(added) == 1
        assert added[0]["dst"] == wish["dst"]
        assert added[0]["via"] == wish["via"]
        assert added[0]["dev"] == "eth0"
        assert added[0]["table"] == wish.get("table", 254)
        assert added[0]["proto"] == wish.get("proto", 119)
        agent.call("route.delete", **wish)
        assert agent.facts(["routes"]) == before

    def test_adding_what_is_there_is_an_error(self, agent: AgentClient) -> None:
        agent.call("route.add", **route())
        assert refused(agent, "route.add", **route()) == "exists"

    @pytest.mark.parametrize(
        "other",
        [{"metric": 5}, {"proto": 3}, {"via": "192.168.122.5"}, {"table": 7}, {"dst": "192.168.0.0/16"}],
    )
    def test_deleting_leaves_a_route_that_differs_in_anything(
        self, agent: AgentClient, machine: Netns, other: dict[str, object]
    ) -> None:
        agent.call("route.add", **route(**other))
        before = machine.exec("ip", "-N", "route", "show", "table", "all")
        assert refused(agent, "route.delete", **route()) == "not-found"
        assert machine.exec("ip", "-N", "route", "show", "table", "all") == before

    def test_of_two_that_differ_in_metric_only_the_named_one_goes(self, agent: AgentClient) -> None:
        for metric in (0, 5, 6):
            agent.call("route.add", **route(metric=metric))
        agent.call("route.delete", **route())
        agent.call("route.delete", **route(metric=6))
        left = [r["metric"] for r in agent.facts(["routes"])["routes"] if r["proto"] == 119]
        assert left == [5]

    def test_refusals_have_their_codes(self, agent: AgentClient) -> None:
        assert refused(agent, "route.add", **route(dev="nowhere0")) == "not-found"
        assert refused(agent, "route.add", **route(dst="192.168.124.0")) == "bad-op"
        assert refused(agent, "route.add", **route(dst="192.168.124.0/33")) == "bad-op"
        assert refused(agent, "route.add", **route(dst="fd00::/64")) == "bad-op"
        assert refused(agent, "route.add", **route(via="10.0.0.1")) == "failed"
        assert refused(agent, "route.add", **route(family=5)) == "bad-op"
        assert refused(agent, "route.add", **route(metric=True)) == "bad-op"
        assert refused(agent, "route.add", **route(via=None, dev=None)) == "bad-op"


class TestSysctls:
    def test_set_gives_the_value_before(self, agent: AgentClient, machine: Netns) -> None:
        assert agent.call("sysctl.set", key="net.ipv4.ip_forward", value="1") == {"before": "0"}
        assert machine.exec("sysctl", "-n", "net.ipv4.ip_forward") == "1\n"
        assert agent.call("sysctl.set", key="net.ipv4.ip_forward", value="0") == {"before": "1"}

    def test_a_dot_in_a_links_name(self, agent: AgentClient, machine: Netns) -> None:
        machine.exec("ip", "link", "add", "eth0.5", "type", "bridge")
        assert agent.call("sysctl.set", key="net.ipv4.conf.eth0/5.rp_filter", value="2") == {"before": "0"}
        assert machine.exec("sysctl", "-n", "net.ipv4.conf.eth0/5.rp_filter") == "2\n"

    def test_refusals_have_their_codes(self, agent: AgentClient) -> None:
        assert refused(agent, "sysctl.set", key="net.ipv4.no_such_switch", value="1") == "not-found"
        assert refused(agent, "sysctl.set", key="net.//.x", value="1") == "bad-op"
        assert refused(agent, "sysctl.set", key="net..x", value="1") == "bad-op"
        assert refused(agent, "sysctl.set", key="net.ipv4.ip_forward", value=1) == "bad-op"
        assert refused(agent, "sysctl.set", key="net.ipv4.ip_forward", value="many") == "failed"


BACKENDS = ("iptables-nft", "iptables-legacy")
ACCEPT = [
    "-s",
    "192.168.122.0/24",
    "-d",
    "192.168.124.0/24",
    "-m",
    "comment",
    "--comment",
    "wslnet:vm2",
    "-j",
    "ACCEPT",
]


def rule(backend: str, **changes: object) -> dict[str, object]:
    given = {"backend": backend, "family": 4, "table": "filter", "chain": "FORWARD", "spec": ACCEPT}
    return {**given, **changes}


@pytest.mark.parametrize("backend", BACKENDS)
class TestRules:
    def test_inserted_at_its_place_and_deleted_by_its_arguments(
        self, agent: AgentClient, machine: Netns, backend: str
    ) -> None:
        for index in range(3):
            machine.exec(backend, "-A", "FORWARD", "-o", f"virbr{index}", "-j", "REJECT")
        before = machine.exec(backend, "-S")
        assert agent.call("rule.insert", **rule(backend, position=3)) == {}
        lines = machine.exec(backend, "-S", "FORWARD").splitlines()
        assert "wslnet:vm2" in lines[3]
        assert agent.call("rule.delete", **rule(backend)) == {}
        assert machine.exec(backend, "-S") == before

    def test_ipv6(self, agent: AgentClient, machine: Netns, backend: str) -> None:
        spec = ["-d", "fd00::/64", "-j", "ACCEPT"]
        agent.call("rule.insert", **rule(backend, family=6, position=1, spec=spec))
        assert "-A FORWARD -d fd00::/64 -j ACCEPT" in machine.exec(backend.replace("ip", "ip6", 1), "-S")
        agent.call("rule.delete", **rule(backend, family=6, spec=spec))
        assert "fd00::/64" not in machine.exec(backend.replace("ip", "ip6", 1), "-S")

    def test_a_rule_that_differs_in_its_comment_stays(
        self, agent: AgentClient, machine: Netns, backend: str
    ) -> None:
        foreign = [word.replace("wslnet:vm2", "wslnet:vm3") for word in ACCEPT]
        machine.exec(backend, "-A", "FORWARD", *foreign)
        assert refused(agent, "rule.delete", **rule(backend)) == "not-found"
        assert "wslnet:vm3" in machine.exec(backend, "-S")

    def test_refusals_have_their_codes(self, agent: AgentClient, machine: Netns, backend: str) -> None:
        assert refused(agent, "rule.insert", **rule(backend, position=1, chain="NOWHERE")) == "not-found"
        assert refused(agent, "rule.insert", **rule(backend, position=9)) == "failed"
        assert refused(agent, "rule.insert", **rule(backend, position=0)) == "bad-op"
        assert refused(agent, "rule.insert", **rule(backend, position=1, spec=["--bogus"])) == "bad-op"
        assert refused(agent, "rule.delete", **rule(backend, spec=["-F"])) == "bad-op"
        assert refused(agent, "rule.delete", **rule(backend, spec=[])) == "bad-op"
        assert refused(agent, "rule.delete", **rule(backend, chain="-F")) == "bad-op"
        assert refused(agent, "rule.delete", **rule("sh")) == "bad-op"
        assert "wslnet" not in machine.exec(backend, "-S")


WSL_CHAINS = """
table ip filter { chain WSLOUTPUT {
    type filter hook output priority 0;
    counter meta mark set 0x1
}
}
table ip nat { chain WSLPOSTROUTING {
    type nat hook postrouting priority 99;
    oif "eth0" udp sport 1-65535 meta mark != 0x1 masquerade to :44620-48715
}
}
"""


def test_wsls_own_chains_stay_when_a_rule_comes_and_goes(agent: AgentClient, machine: Netns) -> None:
    machine.exec("nft", "-f", "-", stdin=WSL_CHAINS)
    before = machine.exec("nft", "-s", "list", "ruleset")
    for table, chain in (("filter", "FORWARD"), ("nat", "POSTROUTING")):
        agent.call("rule.insert", **rule("iptables-nft", table=table, chain=chain, position=1))
        agent.call("rule.delete", **rule("iptables-nft", table=table, chain=chain))
    after = machine.exec("nft", "-s", "list", "ruleset")
    for line in before.splitlines():
        assert line in after


def test_after_a_failed_change_the_rest_is_not_run(agent: AgentClient, machine: Netns) -> None:
    results = agent.run(
        [
            Op("route.add", route()),
            Op("route.add", route()),
            Op("sysctl.set", {"key": "net.ipv4.ip_forward", "value": "1"}),
            Op("facts", {"needs": []}),
        ]
    )
    assert [result.code for result in results] == ["", "exists", "not-run", "not-run"]
    assert machine.exec("sysctl", "-n", "net.ipv4.ip_forward") == "0\n"


def test_a_failed_reading_stops_nothing(agent: AgentClient, machine: Netns) -> None:
    results = agent.run(
        [Op("facts", {"needs": ["nonsense"]}), Op("sysctl.set", {"key": "net.ipv4.ip_forward", "value": "1"})]
    )
    assert [result.code for result in results] == ["bad-op", ""]
    assert machine.exec("sysctl", "-n", "net.ipv4.ip_forward") == "1\n"


def test_without_rights_a_change_is_not_permitted(machine: Netns) -> None:
    with agent_in(
        machine, prefix=("setpriv", "--reuid", "65534", "--clear-groups", "--inh-caps=-all")
    ) as plain:
        assert plain.facts(["identity"])["identity"]["uid"] == 65534
        assert refused(plain, "route.add", **route()) == "not-permitted"
        assert refused(plain, "sysctl.set", key="net.ipv4.ip_forward", value="1") == "not-permitted"
        assert refused(plain, "rule.insert", **rule("iptables-nft", position=1)) == "not-permitted"
        found = plain.facts(["firewall", "links", "listeners"])
    assert found["links"]
    assert found["errors"]["firewall/nft"]["code"] == "failed"
