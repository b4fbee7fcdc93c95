"""Changing ops in real namespaces: exact, one at a time, and nothing foreign is touched."""

from __future__ import annotations

import contextlib
import os
import random
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from wslnet.model.change import Op

from .agent_bench import Netns, agent_in, wire_up

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wslnet.transport.agent_client import AgentClient

pytestmark = pytest.mark.lab


@pytest.fixture
def machine() -> Iterator[Netns]:
    here, there = Netns(), Netns()
    try:
        wire_up(here, "eth0", "192.168.122.1/24", there, "eth0", "192.168.122.191/24")
        here.exec("ip", "address", "add", "fd00::1/64", "dev", "eth0", "nodad")
        yield here
    finally:
        here.remove()
        there.remove()


@pytest.fixture
def agent(machine: Netns) -> Iterator[AgentClient]:
    with agent_in(machine) as client:
        yield client


def route(**changes: object) -> dict[str, object]:
    given = {"family": 4, "dst": "192.168.124.0/24", "via": "192.168.122.191", "dev": "eth0"}
    return {**given, **changes}


def code(agent: AgentClient, verb: str, **args: object) -> str:
    (result,) = agent.run([Op(verb, args)])
    assert not result.ok
    assert result.message
    return result.code


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
        assert code(agent, "route.add", **route()) == "exists"

    @pytest.mark.parametrize(
        "other",
        [{"metric": 5}, {"proto": 3}, {"via": "192.168.122.5"}, {"table": 7}, {"dst": "192.168.0.0/16"}],
    )
    def test_deleting_leaves_a_route_that_differs_in_anything(
        self, agent: AgentClient, machine: Netns, other: dict[str, object]
    ) -> None:
        agent.call("route.add", **route(**other))
        before = machine.exec("ip", "-N", "route", "show", "table", "all")
        assert code(agent, "route.delete", **route()) == "not-found"
        assert machine.exec("ip", "-N", "route", "show", "table", "all") == before

    def test_of_two_that_differ_in_metric_only_the_named_one_goes(self, agent: AgentClient) -> None:
        for metric in (0, 5, 6):
            agent.call("route.add", **route(metric=metric))
        agent.call("route.delete", **route())
        agent.call("route.delete", **route(metric=6))
        left = [r["metric"] for r in agent.facts(["routes"])["routes"] if r["proto"] == 119]
        assert left == [5]

    def test_refusals_have_their_codes(self, agent: AgentClient) -> None:
        assert code(agent, "route.add", **route(dev="nowhere0")) == "not-found"
        assert code(agent, "route.add", **route(dst="192.168.124.0")) == "bad-op"
        assert code(agent, "route.add", **route(dst="192.168.124.0/33")) == "bad-op"
        assert code(agent, "route.add", **route(dst="fd00::/64")) == "bad-op"
        assert code(agent, "route.add", **route(via="10.0.0.1")) == "failed"
        assert code(agent, "route.add", **route(family=5)) == "bad-op"
        assert code(agent, "route.add", **route(metric=True)) == "bad-op"
        assert code(agent, "route.add", **route(via=None, dev=None)) == "bad-op"


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
        assert code(agent, "sysctl.set", key="net.ipv4.no_such_switch", value="1") == "not-found"
        assert code(agent, "sysctl.set", key="net.//.x", value="1") == "bad-op"
        assert code(agent, "sysctl.set", key="net..x", value="1") == "bad-op"
        assert code(agent, "sysctl.set", key="net.ipv4.ip_forward", value=1) == "bad-op"
        assert code(agent, "sysctl.set", key="net.ipv4.ip_forward", value="many") == "failed"


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
        assert code(agent, "rule.delete", **rule(backend)) == "not-found"
        assert "wslnet:vm3" in machine.exec(backend, "-S")

    def test_refusals_have_their_codes(self, agent: AgentClient, machine: Netns, backend: str) -> None:
        assert code(agent, "rule.insert", **rule(backend, position=1, chain="NOWHERE")) == "not-found"
        assert code(agent, "rule.insert", **rule(backend, position=9)) == "failed"
        assert code(agent, "rule.insert", **rule(backend, position=0)) == "bad-op"
        assert code(agent, "rule.insert", **rule(backend, position=1, spec=["--bogus"])) == "bad-op"
        assert code(agent, "rule.delete", **rule(backend, spec=["-F"])) == "bad-op"
        assert code(agent, "rule.delete", **rule(backend, spec=[])) == "bad-op"
        assert code(agent, "rule.delete", **rule(backend, chain="-F")) == "bad-op"
        assert code(agent, "rule.delete", **rule("sh")) == "bad-op"
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
        assert code(plain, "route.add", **route()) == "not-permitted"
        assert code(plain, "sysctl.set", key="net.ipv4.ip_forward", value="1") == "not-permitted"
        assert code(plain, "rule.insert", **rule("iptables-nft", position=1)) == "not-permitted"
        found = plain.facts(["firewall", "links", "listeners"])
    assert found["links"]
    assert found["errors"]["firewall/nft"]["code"] == "failed"


VIRSH = """#!/bin/sh
# A libvirt of one file: each domain is a file that holds its state.
cd {folder}
case "$1" in
list)
    for name in vm*; do
        case "$*" in *running*) grep -q running $name || continue ;; esac
        echo $name
    done ;;
start) test -e $2 || exit 1; (sleep 0.3; echo running >$2) >/dev/null 2>&1 & ;;
shutdown) test $2 = vm-deaf || (sleep 0.3; echo off >$2) >/dev/null 2>&1 & ;;
esac
exit 0
"""


class TestDomains:
    @pytest.fixture
    def virsh(self, tmp_path: Path, machine: Netns) -> Iterator[AgentClient]:
        tools = tmp_path / "tools"
        tools.mkdir()
        domains = tmp_path / "domains"
        domains.mkdir()
        for name, state in (("vm1", "running"), ("vm2", "off"), ("vm-deaf", "running")):
            (domains / name).write_text(state)
        (tools / "virsh").write_text(VIRSH.format(folder=domains))
        (tools / "virsh").chmod(0o755)
        with agent_in(machine, env={"PATH": f"{tools}:{os.environ['PATH']}"}) as client:
            yield client

    def test_listed_with_their_states(self, virsh: AgentClient) -> None:
        assert virsh.facts(["domains"])["domains"] == [
            {"name": "vm-deaf", "state": "running"},
            {"name": "vm1", "state": "running"},
            {"name": "vm2", "state": "shut off"},
        ]

    def test_start_and_shutdown_wait_for_the_state(self, virsh: AgentClient) -> None:
        assert virsh.call("domain.shutdown", name="vm1", timeout_s=10) == {"state": "shut off"}
        assert virsh.call("domain.start", name="vm2", timeout_s=10) == {"state": "running"}
        states = {one["name"]: one["state"] for one in virsh.facts(["domains"])["domains"]}
        assert states == {"vm-deaf": "running", "vm1": "shut off", "vm2": "running"}
        assert virsh.call("domain.start", name="vm2", timeout_s=10) == {"state": "running"}

    def test_a_guest_that_does_not_follow_is_reported_in_time(self, virsh: AgentClient) -> None:
        started = time.monotonic()
        assert code(virsh, "domain.shutdown", name="vm-deaf", timeout_s=0.5) == "timed-out"
        assert time.monotonic() - started < 5

    def test_refusals_have_their_codes(self, virsh: AgentClient) -> None:
        assert code(virsh, "domain.start", name="vm9") == "not-found"
        assert code(virsh, "domain.start", name="--all") == "bad-op"

    def test_without_libvirt_the_tool_is_missing(self, machine: Netns) -> None:
        # This host may have libvirt: then its virsh is covered for the agent.
        cover = '[ ! -e /usr/bin/virsh ] || mount --bind /dev/null /usr/bin/virsh; exec "$@"'
        with agent_in(machine, prefix=("unshare", "--mount", "sh", "-c", cover, "sh")) as bare:
            assert code(bare, "domain.start", name="vm1") == "tool-missing"


def test_a_tool_that_hangs_or_floods_takes_only_its_own_fact(machine: Netns, tmp_path: Path) -> None:
    (tmp_path / "virsh").write_text("#!/bin/sh\nexec cat /dev/zero\n")
    (tmp_path / "nft").write_text("#!/bin/sh\necho some; sleep 60\n")
    for tool in ("virsh", "nft"):
        (tmp_path / tool).chmod(0o755)
    with agent_in(machine, env={"PATH": f"{tmp_path}:{os.environ['PATH']}"}) as client:
        wanted = {"needs": ["domains", "links", "firewall"], "timeout_s": 1.5}
        (result,) = client.run([Op("facts", wanted)])
    found = result.value
    assert found["domains"] is None
    assert found["links"]
    assert found["firewall"]["nft"] is None
    assert found["errors"]["domains"]["code"] == "failed"
    assert found["errors"]["firewall/nft"]["code"] == "timed-out"


def test_wslinfo_is_asked_where_it_is(machine: Netns, tmp_path: Path) -> None:
    (tmp_path / "wslinfo").write_text(
        '#!/bin/sh\ncase "$1" in --networking-mode) printf mirrored;; --version) printf 2.5.9;; esac\n'
    )
    (tmp_path / "wslinfo").chmod(0o755)
    script = f'mount -t overlay overlay -o lowerdir={tmp_path}:/usr/bin /usr/bin && exec "$@"'
    prefix = ("unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh")
    with agent_in(machine, prefix=prefix) as client:
        assert client.facts(["wsl"])["wsl"] == {"mode": "mirrored", "version": "2.5.9"}


def test_nothing_of_the_agent_stays(machine: Netns, tmp_path: Path) -> None:
    marker = f"wslnet-test-{os.getpid()}"
    with agent_in(
        machine, env={"PATH": os.environ["PATH"], "MARKER": marker, "TMPDIR": str(tmp_path)}
    ) as client:
        client.facts(["links", "firewall"])
        client.call("listen", proto="tcp", address="127.0.0.1", port=0, text="hello")
    assert list(tmp_path.iterdir()) == []
    left = []
    for process in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if marker.encode() in (process / "environ").read_bytes():
                left.append(process)
    assert left == []


def test_no_request_brings_the_agent_down(machine: Netns) -> None:
    """Ops of every verb with arguments of every kind, in a namespace that may take any harm."""
    chance = random.Random(11)  # noqa: S311 - a campaign must be repeatable
    verbs = (
        "facts", "route.add", "route.delete", "sysctl.set", "rule.insert", "rule.delete", "domain.start",
        "domain.shutdown", "probes", "unlisten", "listen", "__class__", "", None, 7, [], {},
    )  # fmt: skip
    names = (
        "needs", "family", "dst", "via", "dev", "table", "proto", "metric", "key", "value", "backend",
        "chain", "position", "spec", "name", "probes", "address", "port", "text",
    )  # fmt: skip
    values = (
        None, True, 0, -1, 4, 6, 2**40, 1.5, "", "x", "4", "eth0", "tcp", "-F", "a\0b", "../..", "\ud800",
        "10.0.0.0/8", "fd00::/64", "iptables-nft", "filter", "FORWARD", [], ["x"], [None], {},
        {"proto": "tcp"}, [{"proto": "icmp"}], ["links", "links"], ["-j", "ACCEPT"],
    )  # fmt: skip
    with agent_in(machine) as client:
        for _ in range(150):
            ops = [
                {
                    "verb": chance.choice(verbs),
                    "args": {n: chance.choice(values) for n in chance.sample(names, 9)},
                }
                for _ in range(4)
            ]
            ops.append(chance.choice([None, 3, [], {}, {"verb": "facts", "args": []}, {"verb": "facts"}]))
            results = client.run([Raw(op) for op in ops], timeout_s=20)
            assert len(results) == 5
        assert client.facts(["identity"])["identity"]["uid"] == 0


class Raw:
    """An op that is sent as it is, well-formed or not."""

    def __init__(self, content: object) -> None:
        self.content = content
        self.verb = "facts"
        self.args: dict[str, object] = {}

    def to_json(self) -> object:
        return self.content
